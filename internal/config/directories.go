package config

import (
	"os"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config/directories"
)

// locate finds the directories.
func (l *loader) locate() error {
	found, err := directories.Find(l.env, l.sources.Dir, l.sources.File)
	c := &l.config
	c.Instance = found.Instance
	if c.Instance != "" && !wellFormed(c.Instance) {
		return ohfp.Errorf(ohfp.ErrInvalid, "environment: HF_PROVIDER_NAME is %q; write 1 to 64 of the characters 0-9 A-Z a-z _ -", c.Instance)
	}
	if err != nil {
		return ohfp.Errorf(ohfp.ErrInvalid, "%w", err)
	}
	c.ConfDir, c.WorkDir, c.LogDir, c.Named = found.Conf, found.Work, found.Log, found.Named
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// placeholders stand in defaults for what depends on where the program runs.
func (l *loader) placeholders() *strings.Replacer {
	name := "ohfp"
	if l.config.Instance != "" {
		name += "." + l.config.Instance
	}
	return strings.NewReplacer("{conf}", l.config.ConfDir, "{work}", l.config.WorkDir, "{log}", l.config.LogDir, "{name}", name)
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
