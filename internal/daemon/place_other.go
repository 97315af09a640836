//go:build !linux && !darwin

package daemon

import (
	"errors"
	"net"
	"runtime"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
)

// Place cannot be had on this system.
type Place struct{ Socket string }

// Claim says why there is no daemon on this system.
func Claim(config.Config, string) (*Place, error) {
	return nil, ohfp.Errorf(ohfp.ErrInvalid, "there is no daemon on %s, where a socket does not tell who calls; the scripts work alone", runtime.GOOS)
}

// Exclude has nobody to keep away.
func Exclude(...config.Storage) (*Place, error) { return &Place{}, nil }

// Release releases nothing.
func (*Place) Release() error { return nil }

func (*Place) listen(bool) (*net.UnixListener, error) { return nil, errors.ErrUnsupported }

func (*Place) leave(*net.UnixListener) error { return errors.ErrUnsupported }
