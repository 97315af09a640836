package directories

import (
	"runtime"
	"strings"
)

// Environment holds the variables of a process. A variable that is set to nothing counts as not set.
type Environment map[string]string

// NewEnvironment reads variables as os.Environ gives them.
func NewEnvironment(environ []string) Environment {
	e := make(Environment, len(environ))
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if runtime.GOOS == "windows" {
			name = strings.ToUpper(name)
		}
		if name != "" && value != "" {
			e[name] = value
		}
	}
	return e
}

// First returns the value of the first variable that is set.
func (e Environment) First(names ...string) string {
	for _, name := range names {
		if value, ok := e[name]; ok {
			return value
		}
	}
	return ""
}

// Home is the user's home directory, empty when it is not known.
func (e Environment) Home() string {
	if runtime.GOOS == "windows" {
		return e["USERPROFILE"]
	}
	return e["HOME"]
}

// Caller is who runs the program, as the environment tells. Asking the system would cost a look into its user database.
func (e Environment) Caller() string { return e.First("USER", "LOGNAME", "USERNAME") }
