package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unreached are operations that no face offers by design, with the reason.
var unreached = map[string]string{
	"TendOrphans":       "it is a chore",
	"AdvanceDrains":     "a chore, due by time and not by anybody's asking",
	"NoticeMachines":    "what clouds tell comes through the listeners that internal/app makes, and nobody else may say it",
	"PollInterruptions": "a chore, due by time and not by anybody's asking",
}

// TestEveryOperationIsReachable fails when a command or query exists that neither the command line nor Host Factory's
// face calls: an operation that nobody can ask for is not one.
func TestEveryOperationIsReachable(t *testing.T) {
	t.Parallel()
	called := map[string]bool{}
	for _, face := range []string{"internal/cli", "internal/hostfactory", "internal/daemon", "internal/mcpserver", "internal/rest"} {
		for _, file := range parsed(t, face) {
			ast.Inspect(file, func(n ast.Node) bool {
				if selector, ok := n.(*ast.SelectorExpr); ok {
					called[selector.Sel.Name] = true
				}
				return true
			})
		}
	}
	operations := append(methods(t, "internal/command", "Commands"), methods(t, "internal/query", "Queries")...)
	if len(operations) < 8 {
		t.Fatalf("only %d operations were found: %v", len(operations), operations)
	}
	for _, operation := range operations {
		reason, exempt := unreached[operation]
		switch {
		case !called[operation] && !exempt:
			t.Errorf("%s is called by no face; offer it, or say in this test why not", operation)
		case called[operation] && exempt:
			t.Errorf("%s is called by a face, though the test says: %s", operation, reason)
		}
	}
}

// methods lists the exported methods of a type, sorted.
func methods(t *testing.T, dir, receiver string) []string {
	t.Helper()
	var names []string
	for _, file := range parsed(t, dir) {
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || function.Recv == nil || !function.Name.IsExported() {
				continue
			}
			if star, ok := function.Recv.List[0].Type.(*ast.StarExpr); ok {
				if name, ok := star.X.(*ast.Ident); ok && name.Name == receiver {
					names = append(names, function.Name.Name)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

// parsed are the files of a package and of those below it, without tests.
func parsed(t *testing.T, dir string) []*ast.File {
	t.Helper()
	var files []*ast.File
	err := fs.WalkDir(os.DirFS(filepath.Join(moduleRoot, dir)), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(moduleRoot, dir, path), nil, parser.SkipObjectResolution)
		files = append(files, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
