package doctest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/openhostfactory/ohfp/internal/archtest"
)

// declared is what the packages of this module declare: pkg.Name, Type.Method, Type.Field and pkg.Type.Method, and the
// names of packages and types alone.
type declared struct {
	names    map[string]bool
	packages map[string]bool
	types    map[string]bool
}

func declarations(t *testing.T) declared {
	t.Helper()
	d := declared{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		d.add(file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d declared) add(file *ast.File) {
	own := file.Name.Name
	d.packages[own] = true
	for _, declaration := range file.Decls {
		switch declaration := declaration.(type) {
		case *ast.FuncDecl:
			if of := receiver(declaration); of != "" {
				d.names[of+"."+declaration.Name.Name] = true
				d.names[own+"."+of+"."+declaration.Name.Name] = true
			} else {
				d.names[own+"."+declaration.Name.Name] = true
			}
		case *ast.GenDecl:
			for _, s := range declaration.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					d.types[s.Name.Name] = true
					d.names[own+"."+s.Name.Name] = true
					d.members(own, s)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						d.names[own+"."+name.Name] = true
					}
				}
			}
		}
	}
}

func (d declared) members(own string, of *ast.TypeSpec) {
	var fields *ast.FieldList
	switch kind := of.Type.(type) {
	case *ast.StructType:
		fields = kind.Fields
	case *ast.InterfaceType:
		fields = kind.Methods
	default:
		return
	}
	for _, field := range fields.List {
		for _, name := range field.Names {
			d.names[of.Name.Name+"."+name.Name] = true
			d.names[own+"."+of.Name.Name+"."+name.Name] = true
		}
	}
}

func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

var goName = regexp.MustCompile(`^\*?([A-Za-z]\w*)\.([A-Z]\w*(?:\.[A-Z]\w*)?)(?:\(.*\)|\{.*\})?$`)

// TestNamedCodeExists fails where a sentence names a function, a type or a field of this module that is not there.
func TestNamedCodeExists(t *testing.T) {
	t.Parallel()
	d := declarations(t)
	checked := 0
	for _, page := range pages(t) {
		if page.Path == "CHANGELOG.md" || strings.HasPrefix(page.Path, "docs/adr/") {
			continue // they tell of what was
		}
		for _, s := range page.Spans {
			found := goName.FindStringSubmatch(s.Text)
			if found == nil {
				continue
			}
			ours := d.packages[found[1]] || unicode.IsUpper(rune(found[1][0])) && d.types[found[1]]
			if !ours {
				continue
			}
			checked++
			if !d.names[found[1]+"."+found[2]] {
				t.Errorf("%s:%d names %s, which this module does not declare", page.Path, s.Line, s.Text)
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d names were found", checked)
	}
}

// TestShownCode keeps blocks that say where they are from what stands there. go test ./internal/doctest -update writes
// them again.
func TestShownCode(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, page := range pages(t) {
		for _, b := range page.Blocks {
			if b.Source == "" {
				continue
			}
			checked++
			file, name, _ := strings.Cut(b.Source, " ")
			want := sourceOf(t, file, name)
			if b.Text == want {
				continue
			}
			if !*update {
				t.Errorf("%s:%d does not show %s of %s as it is; write it with -update", page.Path, b.Line, name, file)
				continue
			}
			at := filepath.Join(root, filepath.FromSlash(page.Path))
			text, err := os.ReadFile(at)
			if err != nil {
				t.Fatal(err)
			}
			head := "<!-- code: " + b.Source + " -->\n```go\n"
			replaced := strings.Replace(string(text), head+b.Text+"```", head+want+"```", 1)
			if err := os.WriteFile(at, []byte(replaced), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if checked < 5 {
		t.Errorf("only %d blocks of code say where they are from", checked)
	}
}

// sourceOf is a declaration of a file with its comment, by its name: Type, Function or Type.Method.
func sourceOf(t *testing.T, file, name string) string {
	t.Helper()
	at := filepath.Join(root, filepath.FromSlash(path.Clean(file)))
	text, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, at, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, declaration := range parsed.Decls {
		var own string
		var comment *ast.CommentGroup
		switch declaration := declaration.(type) {
		case *ast.FuncDecl:
			own, comment = declaration.Name.Name, declaration.Doc
			if of := receiver(declaration); of != "" {
				own = of + "." + own
			}
		case *ast.GenDecl:
			comment = declaration.Doc
			switch s := declaration.Specs[0].(type) {
			case *ast.TypeSpec:
				own = s.Name.Name
			case *ast.ValueSpec:
				own = s.Names[0].Name
			}
		}
		if own == name {
			from := declaration.Pos()
			if comment != nil {
				from = comment.Pos()
			}
			return string(text[set.Position(from).Offset:set.Position(declaration.End()).Offset]) + "\n"
		}
	}
	t.Fatalf("%s declares no %s", file, name)
	return ""
}

// TestEveryPackageIsOnTheMap fails for a package that the table of docs/architecture.md leaves out: neither it nor a
// directory above it is named there.
func TestEveryPackageIsOnTheMap(t *testing.T) {
	t.Parallel()
	page, err := Read(root, "docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, s := range page.Spans {
		named[strings.TrimSuffix(strings.TrimSuffix(s.Text, "/*"), "/")] = true
	}
	checked := 0
	for _, rule := range archtest.Rules() {
		dir := strings.TrimSuffix(rule.Package, "/...")
		if dir == "." {
			continue
		}
		checked++
		for at := dir; !named[at]; at = path.Dir(at) {
			if !strings.Contains(at, "/") {
				t.Errorf("docs/architecture.md does not say what %s is for", dir)
				break
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d packages were looked for", checked)
	}
}
