// Package archtest keeps the architecture true: it reads the module's source and reports what breaks the import rules in
// rules.go and a few habits (no init functions, no files past 600 lines, no packages named util).
//
// It refuses to run or build anything: a check that asks the go command would pass stale from the test cache, and would see
// only the files of one operating system.
package archtest

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxLines is where a file stops being about one thing.
const maxLines = 600

// vagueNames say where code was put, not what it is.
func vagueNames() []string {
	return []string{
		"base", "common", "core", "helper", "helpers", "impl", "lib", "manager", "managers", "misc",
		"shared", "util", "utils",
	}
}

// Check reads every Go file below root, the directory that holds the module's go.mod, and returns one line per violation,
// sorted. Files that cannot be parsed are violations too; err is for a tree that cannot be read.
func Check(root fs.FS, module string, rules []Rule) (violations []string, err error) {
	files, broken, err := load(root)
	if err != nil {
		return nil, err
	}
	c := checker{module: module, rules: rules, found: broken}
	for _, file := range files {
		c.checkFile(file)
	}
	for dir, files := range byDirectory(files) {
		c.checkPackage(dir, files)
	}
	slices.Sort(c.found)
	return c.found, nil
}

type checker struct {
	module string
	rules  []Rule
	found  []string
}

func (c *checker) report(where, format string, args ...any) {
	c.found = append(c.found, where+": "+fmt.Sprintf(format, args...))
}

// checkFile judges what one file says about itself, whatever its package.
func (c *checker) checkFile(file source) {
	for _, line := range file.inits {
		c.report(file.at(line), "init function: start-up work belongs to internal/app, where it can be seen and can fail")
	}
	if file.lines > maxLines && !file.generated {
		c.report(file.path, "%d lines, at most %d: split it by noun", file.lines, maxLines)
	}
}

// checkPackage judges the files of one directory together.
func (c *checker) checkPackage(dir string, files []source) {
	rule, err := ruleFor(c.rules, dir)
	if err != nil {
		c.report(dir, "%v", err)
		return
	}
	c.checkName(dir, files)
	for _, file := range files {
		switch {
		case file.tool:
			// Run by hand or by go generate, never part of a binary.
		case file.test:
			c.checkTestImports(dir, file)
		default:
			c.checkImports(rule, file)
		}
	}
}

func (c *checker) checkName(dir string, files []source) {
	production := slices.DeleteFunc(slices.Clone(files), func(f source) bool { return f.test || f.tool })
	if len(production) == 0 {
		return
	}
	name := production[0].pkg
	element := path.Base(dir)
	if dir == "." {
		element = path.Base(c.module)
	}
	for _, vague := range vagueNames() {
		if name == vague || element == vague {
			c.report(dir, "package named %s: name it for what it holds", vague)
		}
	}
	if name == "main" {
		if !slices.ContainsFunc(production, func(f source) bool { return f.doc != "" }) {
			c.report(dir, "no package comment: say what the command does")
		}
		return
	}
	if name != element {
		c.report(dir, "package %s in a directory called %s: give both one name", name, element)
	}
	if !slices.ContainsFunc(production, func(f source) bool { return strings.HasPrefix(f.doc, "Package "+name+" ") }) {
		c.report(dir, `no package comment: begin one with "Package %s ", say what it is and what it refuses to do`, name)
	}
}

// checkImports holds a production file to its package's rule.
func (c *checker) checkImports(rule Rule, file source) {
	for _, imported := range file.imports {
		inside, isInside := c.inModule(imported.path)
		switch {
		case isInside:
			c.checkModuleImport(rule, file, imported, inside)
		case isStandard(imported.path):
			if imported.path == "testing" && !rule.Test {
				c.report(file.at(imported.line), "imports testing outside a test: move it to a _test.go file")
			}
		case !slices.ContainsFunc(rule.libraries(), func(allowed string) bool { return within(imported.path, allowed) }):
			c.report(file.at(imported.line), "package %s may not import %s (third party allowed: %s)",
				rule.Package, imported.path, listed(rule.libraries()))
		}
	}
}

func (c *checker) checkModuleImport(rule Rule, file source, imported importLine, target string) {
	switch targetRule, err := ruleFor(c.rules, target); {
	case err == nil && targetRule.Test && !rule.Test:
		c.report(file.at(imported.line), "imports the test package %s: production code never does", target)
	case !slices.ContainsFunc(rule.packages(), func(pattern string) bool { return matches(pattern, target) }):
		c.report(file.at(imported.line), "package %s may not import %s (may: %s)", rule.Package, target, listed(rule.packages()))
	}
	for _, name := range strings.Fields(rule.Never) {
		pkg, symbol, _ := strings.Cut(name, ".")
		if pkg != target {
			continue
		}
		for _, line := range file.uses(imported, symbol) {
			c.report(file.at(line), "package %s may not use %s", rule.Package, name)
		}
	}
}

// checkTestImports: tests may import what they like, but the domain's own tests stay below everything else.
func (c *checker) checkTestImports(dir string, file source) {
	if dir != "." || strings.HasSuffix(file.pkg, "_test") {
		return
	}
	for _, imported := range file.imports {
		if target, ok := c.inModule(imported.path); ok {
			c.report(file.at(imported.line), "the domain's internal tests may not import %s: use package %s_test", target, file.pkg)
		}
	}
}

// inModule turns an import path into a directory of this module.
func (c *checker) inModule(importPath string) (dir string, ok bool) {
	if importPath == c.module {
		return ".", true
	}
	return strings.CutPrefix(importPath, c.module+"/")
}

// isStandard tells the standard library from the rest: no module path has a first element without a dot.
func isStandard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

// within says whether an import path is the library or below it.
func within(importPath, library string) bool {
	return importPath == library || strings.HasPrefix(importPath, library+"/")
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, " ")
}
