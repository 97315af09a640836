package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// source is what the rules need to know about one Go file.
type source struct {
	path      string // slash-separated, from the module root
	pkg       string
	doc       string // package comment
	imports   []importLine
	inits     []int // lines of init functions
	lines     int
	test      bool
	tool      bool // excluded from every build by an ignore tag
	generated bool

	syntax *ast.File
	fset   *token.FileSet
}

type importLine struct {
	name string // how the file calls it; empty when it uses the package's own name
	path string
	line int
}

func (s source) at(line int) string { return fmt.Sprintf("%s:%d", s.path, line) }

// uses returns the lines on which the file names symbol of an imported package.
func (s source) uses(imported importLine, symbol string) (lines []int) {
	local := imported.name
	if local == "" {
		local = path.Base(imported.path)
	}
	ast.Inspect(s.syntax, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok || selector.Sel.Name != symbol {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && x.Name == local {
			lines = append(lines, s.fset.Position(selector.Pos()).Line)
		}
		return true
	})
	return lines
}

// load parses the module's Go files. It leaves out what the go command leaves out: testdata, vendor, names that begin with
// a dot or an underscore, and directories that are modules of their own.
func load(root fs.FS) (files []source, broken []string, err error) {
	err = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != "." && skipDirectory(root, name) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" || strings.HasPrefix(path.Base(name), ".") || strings.HasPrefix(path.Base(name), "_") {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parse(name, text)
		if err != nil {
			broken = append(broken, err.Error())
			return nil
		}
		files = append(files, file)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("reading the module's source: %w", err)
	}
	return files, broken, nil
}

func skipDirectory(root fs.FS, dir string) bool {
	base := path.Base(dir)
	if base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := fs.Stat(root, path.Join(dir, "go.mod"))
	return err == nil
}

func parse(name string, text []byte) (source, error) {
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source{}, fmt.Errorf("%s: cannot be parsed: %w", name, err)
	}
	file := source{
		path:      name,
		pkg:       syntax.Name.Name,
		doc:       syntax.Doc.Text(),
		lines:     bytes.Count(text, []byte("\n")),
		test:      strings.HasSuffix(name, "_test.go"),
		tool:      ignored(syntax),
		generated: ast.IsGenerated(syntax) || strings.HasPrefix(path.Base(name), "zz_"),
		syntax:    syntax,
		fset:      fset,
	}
	for _, spec := range syntax.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return source{}, fmt.Errorf("%s: import %s: %w", name, spec.Path.Value, err)
		}
		line := importLine{path: importPath, line: fset.Position(spec.Pos()).Line}
		if spec.Name != nil {
			line.name = spec.Name.Name
		}
		file.imports = append(file.imports, line)
	}
	for _, declaration := range syntax.Decls {
		if function, ok := declaration.(*ast.FuncDecl); ok && function.Recv == nil && function.Name.Name == "init" {
			file.inits = append(file.inits, fset.Position(function.Pos()).Line)
		}
	}
	return file, nil
}

// ignored says whether no build includes the file, as the "ignore" tag promises by convention.
func ignored(syntax *ast.File) bool {
	for _, group := range syntax.Comments {
		if group.Pos() > syntax.Package {
			return false
		}
		for _, comment := range group.List {
			if !constraint.IsGoBuild(comment.Text) {
				continue
			}
			expression, err := constraint.Parse(comment.Text)
			if err == nil && !expression.Eval(func(tag string) bool { return tag != "ignore" }) {
				return true
			}
		}
	}
	return false
}

func byDirectory(files []source) map[string][]source {
	packages := map[string][]source{}
	for _, file := range files {
		dir := path.Dir(file.path)
		packages[dir] = append(packages[dir], file)
	}
	return packages
}
