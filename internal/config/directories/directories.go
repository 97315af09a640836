// Package directories finds the directories that the program works in, from the environment alone. The thin program that
// the scripts start shares it with the configuration, so that both look for a daemon in the same place.
// It refuses to read any file: it only looks whether some are there.
package directories

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// Directories is where everything is. Every path is absolute.
type Directories struct {
	Instance string // the name that Host Factory gave this provider instance, empty outside Host Factory; not checked
	Conf     string // where configuration and templates are
	Work     string // where the program keeps its state
	Log      string
	Named    string // the configuration file that the user names; empty: the usual names in Conf
}

// Find finds the directories: where Host Factory (or LSF, which calls the same scripts with other variables) says they
// are, else where OHFP_… variables do, else ./config of a project, else the user's own. File is the configuration file
// that the user names on the command line, if any; relative names start at the absolute directory dir.
func Find(env Environment, dir, file string) (Directories, error) {
	s := search{env: env, dir: dir}
	s.found.Instance = env.First("HF_PROVIDER_NAME", "PROVIDER_NAME")
	s.found.Named = s.absolute(file, env["OHFP_CONFIG"])
	if s.found.Conf = s.conf(); s.found.Conf == "" {
		return s.found, errors.New("the configuration directory is not known; set OHFP_CONF_DIR, or HF_PROVIDER_CONFDIR as Host Factory does")
	}
	if s.found.Work = s.work(); s.found.Work == "" {
		return s.found, errors.New("the work directory is not known; set OHFP_WORK_DIR, or HF_PROVIDER_WORKDIR as Host Factory does")
	}
	s.found.Log = s.log()
	return s.found, nil
}

type search struct {
	env     Environment
	dir     string
	found   Directories
	project bool // the configuration directory is ./config of where the program was started
}

func (s *search) conf() string {
	lsf := s.absolute(s.env["PRO_CONF_DIR"])
	if dir := s.absolute(s.env["HF_PROVIDER_CONFDIR"], lsf, s.ofInstance("HF_CONFDIR"), s.env["OHFP_CONF_DIR"]); dir != "" {
		// LSF keeps the files one directory below the one it names.
		if dir == lsf && s.hasFiles(filepath.Join(dir, "conf")) {
			return filepath.Join(dir, "conf")
		}
		return dir
	}
	if s.found.Named != "" {
		return filepath.Dir(s.found.Named)
	}
	if project := filepath.Join(s.dir, "config"); s.hasFiles(project) {
		s.project = true
		return project
	}
	return s.own("XDG_CONFIG_HOME", ".config", "APPDATA")
}

func (s *search) work() string {
	if dir := s.absolute(s.env["HF_PROVIDER_WORKDIR"], s.shared("PRO_DATA_DIR"), s.ofInstance("HF_WORKDIR"), s.env["OHFP_WORK_DIR"]); dir != "" {
		return dir
	}
	if s.project {
		return filepath.Join(s.dir, "work")
	}
	dir := s.own("XDG_STATE_HOME", filepath.Join(".local", "state"), "LOCALAPPDATA")
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, s.found.Instance)
}

func (s *search) log() string {
	if dir := s.absolute(s.env["HF_PROVIDER_LOGDIR"], s.env["PRO_LSF_LOGDIR"], s.env["HF_LOGDIR"], s.env["OHFP_LOG_DIR"]); dir != "" {
		return dir
	}
	return filepath.Join(s.found.Work, "log")
}

// ofInstance is what Host Factory documents as the default: a directory per instance below the one of the variable.
func (s *search) ofInstance(variable string) string {
	if s.env[variable] == "" || s.found.Instance == "" {
		return ""
	}
	return filepath.Join(s.env[variable], "providers", s.found.Instance)
}

// shared is a directory that LSF gives to all providers together.
func (s *search) shared(variable string) string {
	if s.env[variable] == "" {
		return ""
	}
	return filepath.Join(s.env[variable], s.found.Instance)
}

// own is the user's directory by the XDG base directory rules, which want absolute paths.
func (s *search) own(xdg, below, windows string) string {
	if dir := s.env[xdg]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "ohfp")
	}
	if runtime.GOOS == "windows" {
		if s.env[windows] == "" {
			return ""
		}
		return filepath.Join(s.env[windows], "ohfp")
	}
	if home := s.env.Home(); home != "" {
		return filepath.Join(home, below, "ohfp")
	}
	return ""
}

// absolute is the first path that is not empty, as an absolute one.
func (s *search) absolute(paths ...string) string {
	for _, path := range paths {
		switch {
		case path == "":
		case filepath.IsAbs(path):
			return filepath.Clean(path)
		default:
			return filepath.Join(s.dir, path)
		}
	}
	return ""
}

// hasFiles says whether the directory holds a configuration, or at least templates.
func (s *search) hasFiles(dir string) bool {
	for _, names := range [][]string{MainFiles(), ProviderFiles(), IBMFiles(s.found.Instance), templateFiles()} {
		for _, name := range names {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return true
			}
		}
	}
	return false
}
