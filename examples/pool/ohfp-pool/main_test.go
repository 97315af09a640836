package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary also the program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ohfp-pool": main})
}

// TestScripts uses the program as an operator would.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("OHFP_CONF_DIR", env.WorkDir)
			env.Setenv("OHFP_WORK_DIR", env.WorkDir+string(os.PathSeparator)+"work")
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			return nil
		},
	})
}
