package cli_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestOnDynamoDB runs the life of machines with the records in something that plays DynamoDB, chosen as the seed does.
func TestOnDynamoDB(t *testing.T) {
	t.Parallel()
	address := os.Getenv("OHFP_TEST_DYNAMODB")
	if address == "" {
		t.Skip("OHFP_TEST_DYNAMODB names no server; make test-dynalite starts one")
	}
	var files []string
	for _, name := range []string{"requests", "hostfactory", "serve"} {
		files = append(files, filepath.Join("testdata", "script", name+".txtar"))
	}
	testscript.Run(t, testscript.Params{
		Files: files,
		Setup: func(env *testscript.Env) error {
			env.Setenv("STORAGE_TYPE", "dynamodb")
			env.Setenv("STORAGE_TABLE_PREFIX", "t"+rand.Text())
			env.Setenv("AWS_ENDPOINT_URL_DYNAMODB", address)
			env.Setenv("AWS_REGION", "us-east-1")
			return setup(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"simulator": simulator,
			"exits":     exits,
			"take":      take,
			"until":     until,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}
