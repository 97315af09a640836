package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// scripts runs the scripts of the plug-in as Host Factory does.
type scripts struct {
	dir         string
	inputs      string // where input files are put
	environment []string
	took        []time.Duration // by each call so far
}

// name is the file of a call.
func (s *scripts) name(action string) string {
	if runtime.GOOS == "windows" {
		return action + ".bat"
	}
	return action + ".sh"
}

// call runs a script on an input and decodes its answer, which must be exactly one JSON object.
func (s *scripts) call(ctx context.Context, action string, input, answer any) (time.Duration, error) {
	file, err := s.inputFile(input)
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(file) }()
	cmd := exec.CommandContext(ctx, filepath.Join(s.dir, s.name(action)), "-f", file) //nolint:gosec // our own scripts
	cmd.Env = s.environment
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	err = cmd.Run()
	took := time.Since(began)
	s.took = append(s.took, took)
	if ctx.Err() != nil {
		return took, ctx.Err()
	}
	if err != nil {
		return took, fmt.Errorf("%s: %w; it printed:\n%s", s.name(action), err, printed(&stdout, &stderr))
	}
	if err := decodeOne(stdout.Bytes(), answer); err != nil {
		return took, fmt.Errorf("%s: the answer is not one JSON object: %w; it printed:\n%s", s.name(action), err, printed(&stdout, &stderr))
	}
	return took, nil
}

func (s *scripts) inputFile(input any) (string, error) {
	data, err := json.Marshal(input)
	if err != nil {
		return "", fmt.Errorf("encode the input: %w", err)
	}
	file, err := os.CreateTemp(s.inputs, "hf_in_")
	if err != nil {
		return "", fmt.Errorf("write the input: %w", err)
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(file.Name())
		return "", fmt.Errorf("write the input: %w", err)
	}
	return file.Name(), nil
}

func decodeOne(text []byte, answer any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(answer); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

func printed(stdout, stderr *bytes.Buffer) string {
	text := strings.TrimSpace(stdout.String() + "\n" + stderr.String())
	if text == "" {
		return "  (nothing)"
	}
	return "  " + strings.ReplaceAll(text, "\n", "\n  ")
}

// The inputs and answers of the scripts, as far as Host Factory needs them here.
type (
	noInput struct{}

	templatesAnswer struct {
		Templates []struct {
			TemplateID string               `json:"templateId"`
			MaxNumber  int                  `json:"maxNumber"`
			Attributes map[string][2]string `json:"attributes"`
		} `json:"templates"`
	}

	requestInput struct {
		Template struct {
			TemplateID   string `json:"templateId"`
			MachineCount int    `json:"machineCount"`
		} `json:"template"`
	}

	requestAnswer struct {
		RequestID string `json:"requestId"`
		Message   string `json:"message"`
	}

	statusInput struct {
		Requests []requestID `json:"requests"`
	}

	requestID struct {
		RequestID string `json:"requestId"`
	}

	statusAnswer struct {
		Requests []requestStatus `json:"requests"`
	}

	requestStatus struct {
		RequestID string    `json:"requestId"`
		Status    string    `json:"status"`
		Message   string    `json:"message"`
		Machines  []machine `json:"machines"`
	}

	machine struct {
		MachineID        string `json:"machineId"`
		Name             string `json:"name"`
		Result           string `json:"result"`
		Status           string `json:"status"`
		PrivateIPAddress string `json:"privateIpAddress"`
	}

	hostsInput struct {
		Machines []host `json:"machines"`
	}

	host struct {
		Name      string `json:"name"`
		MachineID string `json:"machineId"`
	}

	returnRequestsAnswer struct {
		Requests []struct {
			Machine     string `json:"machine"`
			GracePeriod int    `json:"gracePeriod"`
		} `json:"requests"`
	}
)
