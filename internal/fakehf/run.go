package fakehf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// Running is a call that has not ended.
type Running struct {
	cluster *Cluster
	call    Call
	command *exec.Cmd
	input   string
	stdout  bytes.Buffer
	stderr  bytes.Buffer
	cancel  context.CancelFunc
}

// Call runs one script on an input file of the given content and waits for its end. The error says why it could not be
// run; whatever it did is in the Call.
func (c *Cluster) Call(ctx context.Context, action string, input []byte) (Call, error) {
	running, err := c.Start(ctx, action, input)
	if err != nil {
		return Call{}, err
	}
	return running.Wait()
}

// Start runs one script as Host Factory does: -f and a scratch file. Wait must follow.
func (c *Cluster) Start(ctx context.Context, action string, input []byte) (*Running, error) {
	file, err := c.inputFile(input)
	if err != nil {
		return nil, err
	}
	timeout := c.ActionTimeout
	if timeout == 0 {
		timeout = 300 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	arguments := []string{c.script(action), "-f", file}
	if c.Shell != "" {
		arguments = append([]string{c.Shell}, arguments...)
	}
	r := &Running{cluster: c, call: Call{Action: action, Input: input}, input: file, cancel: cancel}
	r.command = exec.CommandContext(ctx, arguments[0], arguments[1:]...) //nolint:gosec // the scripts under test
	r.command.Env = c.environment()
	r.command.Stdout, r.command.Stderr = &r.stdout, &r.stderr
	// A grandchild that holds the pipes open must not hold up the cluster.
	r.command.WaitDelay = 5 * time.Second
	r.call.Began = time.Now()
	if err := r.command.Start(); err != nil {
		cancel()
		_ = os.Remove(file)
		return nil, fmt.Errorf("start %s: %w", action, err)
	}
	return r, nil
}

// Kill ends the process at once, as kill -9 does. The scripts become the program, so that it is the program that dies.
func (r *Running) Kill() error {
	if err := r.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", r.call.Action, err)
	}
	return nil
}

// Wait returns the call once it has ended, and remembers it.
func (r *Running) Wait() (Call, error) {
	defer r.cancel()
	err := r.command.Wait()
	r.call.Took = time.Since(r.call.Began)
	_ = os.Remove(r.input)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return r.call, fmt.Errorf("run %s: %w", r.call.Action, err)
	}
	r.call.Exit = r.command.ProcessState.ExitCode()
	r.call.Stdout, r.call.Stderr = r.stdout.Bytes(), r.stderr.Bytes()
	r.cluster.mu.Lock()
	defer r.cluster.mu.Unlock()
	r.cluster.calls = append(r.cluster.calls, r.call)
	return r.call, nil
}

func (c *Cluster) script(action string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(c.ScriptDir, action+".bat")
	}
	return filepath.Join(c.ScriptDir, action+".sh")
}

// inputFile writes the scratch file that Host Factory hands over.
func (c *Cluster) inputFile(input []byte) (string, error) {
	file, err := os.CreateTemp(c.TempDir, "hf_in_")
	if err != nil {
		return "", fmt.Errorf("make input file: %w", err)
	}
	_, err = file.Write(input)
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(file.Name())
		return "", fmt.Errorf("write input file: %w", err)
	}
	return file.Name(), nil
}

// environment is what the scripts see: Host Factory does not pass on its administrator's shell.
func (c *Cluster) environment() []string {
	provider := c.Provider
	if provider == "" {
		provider = "awsinst"
	}
	env := []string{
		"HF_PROVIDER_NAME=" + provider,
		"HF_PROVIDER_CONFDIR=" + c.ConfDir,
		"HF_PROVIDER_WORKDIR=" + c.WorkDir,
		"HF_PROVIDER_LOGDIR=" + c.LogDir,
		"HF_VERSION=1.2",
	}
	for _, key := range []string{"PATH", "HOME", "TMPDIR", "SYSTEMROOT"} {
		if value, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+value)
		}
	}
	return append(env, c.Env...)
}
