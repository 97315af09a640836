// Package doctest reads the project's documents, so that tests can hold what they say against what is: blocks to run,
// commands, settings, links, names of files and functions.
// It refuses to be a Markdown renderer: it knows headings, fenced blocks, links and code spans as these documents use them.
package doctest

import (
	"bufio"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Page is one document.
type Page struct {
	Path    string // from the module root, with slashes
	Anchors []string
	Links   []Link
	Spans   []Span
	Blocks  []Block
}

// Link is a link to a place that is no web address.
type Link struct {
	Line   int
	Target string // as written
}

// Span is a piece of code in a sentence.
type Span struct {
	Line int
	Text string
}

// Block is a fenced block, or a comment that begins with "run", whose lines are run but not shown.
type Block struct {
	Line       int      // of its first line of content
	Language   string   // sh, json, text; empty when none is said
	Attributes []string // what follows the language: run, output, config, file=NAME
	Source     string   // what a comment before it says it is taken from: FILE NAME
	Text       string
	Hidden     bool
}

// Has says whether the block has an attribute.
func (b Block) Has(attribute string) bool { return slices.Contains(b.Attributes, attribute) }

// File is the name under which the block is to be written, empty when it is not.
func (b Block) File() string {
	for _, attribute := range b.Attributes {
		if name, ok := strings.CutPrefix(attribute, "file="); ok {
			return name
		}
	}
	return ""
}

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	span    = regexp.MustCompile("`([^`]+)`")
	heading = regexp.MustCompile(`^(#{1,6}) +(.*?) *#*$`)
	source  = regexp.MustCompile(`^<!-- code: (\S+ \S+) -->$`)
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)
)

// Pages reads all documents below the root of the module: those in docs, those at the root and those beside what they
// are about. Other people's, the records of tests and what is not part of the repository are left out.
func Pages(root string) ([]Page, error) {
	var pages []Page
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".md" {
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		page, err := Read(root, filepath.ToSlash(relative))
		pages = append(pages, page)
		return err
	})
	if err == nil && len(pages) == 0 {
		err = fmt.Errorf("there are no documents below %s", root)
	}
	return pages, err
}

// Read reads the document at a path from the root.
func Read(root, path string) (Page, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		return Page{}, err
	}
	return parse(path, string(text)), nil
}

func parse(path, text string) Page {
	p := Page{Path: path}
	var (
		block  *Block
		closer string // of the block
		indent int
		from   string
		body   strings.Builder
		seen   = map[string]int{}
	)
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		trimmed := strings.TrimSpace(line)
		switch {
		case block != nil && trimmed == closer:
			block.Text = body.String()
			p.Blocks = append(p.Blocks, *block)
			block = nil
		case block != nil:
			body.WriteString(unindent(line, indent) + "\n")
		case strings.HasPrefix(trimmed, "```"):
			closer = trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
			indent = len(line) - len(strings.TrimLeft(line, " "))
			block = &Block{Line: number + 1, Source: from}
			if words := strings.Fields(trimmed[len(closer):]); len(words) > 0 {
				block.Language, block.Attributes = words[0], words[1:]
			}
			body.Reset()
			from = ""
		case trimmed == "<!-- run":
			block, closer, indent = &Block{Line: number + 1, Language: "sh", Attributes: []string{"run"}, Hidden: true}, "-->", 0
			body.Reset()
		case source.MatchString(trimmed):
			from = source.FindStringSubmatch(trimmed)[1]
		default:
			p.prose(number, line, seen)
		}
	}
	return p
}

// unindent takes away the indentation of a block in a list.
func unindent(line string, indent int) string {
	for i := 0; i < indent && strings.HasPrefix(line, " "); i++ {
		line = line[1:]
	}
	return line
}

func (p *Page) prose(number int, line string, seen map[string]int) {
	if found := heading.FindStringSubmatch(line); found != nil {
		slug := Slug(found[2])
		anchor := slug
		if n := seen[slug]; n > 0 {
			anchor = fmt.Sprintf("%s-%d", slug, n)
		}
		seen[slug]++
		p.Anchors = append(p.Anchors, anchor)
	}
	for _, found := range span.FindAllStringSubmatch(line, -1) {
		p.Spans = append(p.Spans, Span{Line: number, Text: found[1]})
	}
	for _, found := range link.FindAllStringSubmatch(span.ReplaceAllString(line, "``"), -1) {
		if target := found[1]; !strings.Contains(target, "://") && !strings.HasPrefix(target, "mailto:") {
			p.Links = append(p.Links, Link{Line: number, Target: target})
		}
	}
}

// Slug is the anchor of a heading, as GitHub makes it.
func Slug(heading string) string {
	heading = strings.ReplaceAll(link.ReplaceAllString(heading, "]"), "[", "")
	return strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

// Code yields pieces of code with their lines: spans, and the lines of blocks that are for a shell, without comments.
func (p Page) Code() iter.Seq2[int, string] {
	return func(yield func(line int, text string) bool) {
		for _, s := range p.Spans {
			if !yield(s.Line, s.Text) {
				return
			}
		}
		for _, b := range p.Blocks {
			if !slices.Contains([]string{"sh", "bash", "console"}, b.Language) {
				continue
			}
			for i, text := range strings.Split(b.Text, "\n") {
				text, _, _ = strings.Cut(text, " #")
				if !yield(b.Line+i, text) {
					return
				}
			}
		}
	}
}
