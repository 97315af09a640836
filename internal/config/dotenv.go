package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// dotEnv is the name of the file that holds variables.
const dotEnv = ".env"

// readDotEnv adds what .env files say to the environment, which wins over them: the one in the configuration directory,
// then the one in the current directory. Host Factory and LSF start the scripts wherever they like, so that only the
// first counts there.
func (l *loader) readDotEnv() error {
	files := []string{filepath.Join(l.config.ConfDir, dotEnv)}
	if here := filepath.Join(l.sources.Dir, dotEnv); l.config.Instance == "" && l.env.First("HF_PROVIDER_CONFDIR", "PRO_CONF_DIR") == "" {
		files = append(files, here)
	}
	for _, path := range slices.Compact(files) {
		data, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) || !isDirectory(filepath.Dir(path)):
			continue
		case err != nil:
			return ohfp.Errorf(ohfp.ErrInvalid, "%w; make it readable, or remove it", err)
		}
		if err := l.addVariables(path, string(data)); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) addVariables(path, text string) error {
	variables, err := parseDotEnv(text)
	if err != nil {
		return ohfp.Errorf(ohfp.ErrInvalid, "%s:%w", path, err)
	}
	for _, v := range variables {
		if tooLate(v.name) {
			return ohfp.Errorf(ohfp.ErrInvalid, "%s:%d: %s says where files are and comes too late here; export it, or use ohfp's --config", path, v.line, v.name)
		}
		if _, set := l.env[v.name]; set || v.value == "" {
			continue
		}
		if l.lines == nil {
			l.lines, l.config.Variables = map[string]string{}, map[string]string{}
		}
		l.env[v.name], l.config.Variables[v.name] = v.value, v.value
		l.lines[v.name] = fmt.Sprintf("%s:%d", path, v.line)
	}
	return nil
}

// tooLate says whether a variable decides where .env files are looked for.
func tooLate(name string) bool {
	return slices.Contains(programVariables(), name) || strings.HasPrefix(name, "HF_") && strings.HasSuffix(name, "DIR") ||
		strings.HasPrefix(name, "PRO_") || name == "HF_PROVIDER_NAME" || name == "PROVIDER_NAME"
}

// LookupEnv is the environment with what .env files add to it.
func (c Config) LookupEnv(environment func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if value, ok := environment(name); ok && value != "" {
			return value, true
		}
		value, ok := c.Variables[name]
		return value, ok
	}
}

// assignment is a line of a .env file.
type assignment struct {
	name, value string
	line        int
}

// parseDotEnv reads lines of NAME=value, as docker and shells do: export in front, comments, and quotes around the value
// are fine. Between single quotes everything stands for itself, between double quotes \n, \" and \\ are understood.
func parseDotEnv(text string) ([]assignment, error) {
	var list []assignment
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		line = strings.TrimSpace(strings.TrimPrefix(line, "export "))
		name, value, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" || leadingName(name) != name {
			return nil, fmt.Errorf("%d: %q is no variable; write NAME=value", number, line)
		}
		value, ok = unquoted(strings.TrimSpace(value))
		if !ok {
			return nil, fmt.Errorf("%d: the value of %s has a quote that does not end on its line, or something behind it", number, name)
		}
		list = append(list, assignment{name: name, value: value, line: number})
	}
	return list, nil
}

// unquoted is what a value stands for.
func unquoted(value string) (string, bool) {
	if value == "" || value[0] != '"' && value[0] != '\'' {
		if value != "" && value[0] == '#' {
			return "", true
		}
		before, _, _ := strings.Cut(value, " #")
		return strings.TrimSpace(before), true
	}
	quote := value[0]
	var out strings.Builder
	for i := 1; i < len(value); i++ {
		switch c := value[i]; {
		case c == quote:
			rest := strings.TrimSpace(value[i+1:])
			return out.String(), rest == "" || rest[0] == '#'
		case c == '\\' && quote == '"' && i+1 < len(value):
			i++
			switch value[i] {
			case 'n':
				out.WriteByte('\n')
			case '"', '\\', '$':
				out.WriteByte(value[i])
			default:
				out.WriteByte('\\')
				out.WriteByte(value[i])
			}
		default:
			out.WriteByte(c)
		}
	}
	return "", false
}
