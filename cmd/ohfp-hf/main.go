// Command ohfp-hf is what the scripts of Host Factory start: it hands a call to the daemon, if one runs, and becomes ohfp
// otherwise. What it prints is the same either way.
//
// No call is made twice. A call that the daemon has not taken, or has declined, goes to ohfp. When the daemon took a call
// and its answer does not come, four of the five calls go to ohfp too, because repeating them changes nothing:
// getAvailableTemplates, getRequestStatus and getReturnRequests ask, and a machine that is given back twice is given back.
// requestMachines is not repeated, since the daemon may have stored the request and launched: the call fails, Host Factory
// asks again in its own time, and the machines of the first request, which nobody can know of, are released by the rule
// for requests whose answer never left (requests.unanswered_release).
package main

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp/internal/config/directories"
	"github.com/openhostfactory/ohfp/internal/daemon/address"
	"github.com/openhostfactory/ohfp/internal/daemon/wire"
)

func main() {
	os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// requestMachines is the call that must not be repeated.
const requestMachines = "requestMachines"

// lost is said when it is not known what became of requestMachines.
const lost = "requestMachines: the daemon took the request and ended before it answered; machines that it may have " +
	"launched are released after requests.unanswered_release, so ask again"

// run makes one call and returns the exit code, unless the process becomes ohfp.
func run(args, environ []string, out, errw io.Writer) int {
	env := directories.NewEnvironment(environ)
	call := newCallID()
	answer, err := handOver(args, env, call)
	switch {
	case err == nil:
		return pass(answer, out, errw)
	case errors.Is(err, wire.ErrLost) && args[0] == requestMachines:
		return refuse(lost, out, errw)
	}
	self, err := os.Executable()
	if err != nil {
		return refuse("the program's own path is not known: "+err.Error(), out, errw)
	}
	path, err := find(env, self)
	if err != nil {
		return refuse(err.Error(), out, errw)
	}
	code, err := become(path, args, append(environ, wire.CallVariable+"="+call))
	if err != nil {
		return refuse(err.Error(), out, errw)
	}
	return code
}

// handOver asks the daemon. An error is why ohfp has to do it.
func handOver(args []string, env directories.Environment, call string) (*wire.Answer, error) {
	action, file, err := understand(args)
	if err != nil {
		return nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	found, err := directories.Find(env, dir, "")
	if err != nil {
		return nil, err
	}
	socket, err := address.Of(found.Work)
	if err != nil {
		return nil, err
	}
	input, err := read(file)
	if err != nil {
		return nil, err
	}
	return wire.Client{Socket: socket, Now: time.Now}.Call(wire.Request{
		Action: action, Instance: found.Instance, Conf: found.Conf, File: found.Named, Caller: env.Caller(), Call: call,
	}, input)
}

// newCallID makes an id as unlikely to come twice as any other of 128 random bits. It is no secret, so that the runtime's own
// generator will do, which is there already; package crypto/rand takes time to start.
func newCallID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	id := make([]byte, 26)
	for i := range id {
		id[i] = letters[rand.IntN(len(letters))] //nolint:gosec // nobody need be unable to guess it
	}
	return string(id)
}

// understand takes the call that scripts make: ACTION -f FILE. Everything else is for ohfp to understand; standard input
// could not be read a second time.
func understand(args []string) (action, file string, err error) {
	switch {
	case len(args) == 3 && (args[1] == "-f" || args[1] == "--file"):
		file = args[2]
	case len(args) == 2 && strings.HasPrefix(args[1], "--file="):
		file = strings.TrimPrefix(args[1], "--file=")
	}
	if file == "" || file == "-" || strings.HasPrefix(args[0], "-") {
		return "", "", errors.New("the command line is for ohfp")
	}
	switch args[0] {
	case "getAvailableTemplates", requestMachines, "getRequestStatus", "getReturnRequests", "requestReturnMachines":
		return args[0], file, nil
	default:
		return "", "", errors.New("the command is for ohfp")
	}
}

// pass writes the answer in one piece, and tells the daemon once it is out. Then the connection is left to the end of the process: the
// daemon still has work to do that follows the answer, and waits for that end before it takes the processor.
func pass(answer *wire.Answer, out, errw io.Writer) int {
	if len(answer.Stderr) > 0 {
		_, _ = errw.Write(answer.Stderr) // nobody is left to tell
	}
	if _, err := out.Write(answer.Body); err != nil {
		_, _ = io.WriteString(errw, "ohfp: write the answer: "+err.Error()+"\n")
		_ = answer.Close()
		return 1
	}
	// A daemon that has gone meanwhile has recorded everything but this, and the next poll of the request tells it as well.
	_ = answer.Written()
	return answer.Exit
}

// refuse says why there is no answer, as Host Factory wants to hear it.
func refuse(message string, out, errw io.Writer) int {
	_, _ = io.WriteString(errw, "ohfp: "+message+"\n")
	_, _ = io.WriteString(out, `{"message":`+quoted(message)+"}\n")
	return 1
}
