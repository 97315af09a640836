package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// installationFile holds the installation's id beside the store, so that a lost store does not make strangers of our own
// machines.
const installationFile = "installation"

// installation returns the id of this installation: the store's, which takes the file's when it has none.
func installation(ctx context.Context, workDir string, records store.Store, log *slog.Logger) (ohfp.InstallationID, error) {
	path := filepath.Join(workDir, installationFile)
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", ohfp.Errorf(ohfp.ErrUnavailable, "installation file cannot be read: %w", err)
	}
	known := ohfp.InstallationID(strings.TrimSpace(string(content)))
	suggested := known
	if suggested == "" {
		suggested = ohfp.NewInstallationID()
	}
	id, err := records.Installation(ctx, suggested)
	if err != nil {
		return "", fmt.Errorf("read installation id: %w", err)
	}
	if id == known {
		return id, nil
	}
	if known != "" {
		log.WarnContext(ctx, "the installation file named another installation than the store; the store's is used", "file", known, "store", id)
	}
	// A store in a database does not make the work directory.
	err = os.MkdirAll(workDir, 0o700)
	if err == nil {
		err = replaceFile(path, []byte(id+"\n"))
	}
	if err != nil {
		return "", ohfp.Errorf(ohfp.ErrUnavailable, "installation file cannot be written: %w", err)
	}
	return id, nil
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone when all went well
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
