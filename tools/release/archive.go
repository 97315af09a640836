package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// entries is what both formats of archives have: files come one after the other.
type entries interface {
	add(name string, info fs.FileInfo, content io.Reader) error
	io.Closer
}

// archive packs a directory into a .tar.gz or a .zip, with its files in the order of their names, the same owner and time
// for all, so that the same files make the same bytes.
func archive(args []string) error {
	flags := flag.NewFlagSet("release archive", flag.ContinueOnError)
	out := flags.String("output", "", "the archive, which ends in .tar.gz or .zip")
	prefix := flags.String("prefix", "", "the directory within the archive")
	date := flags.String("date", "", "the time of all files, as 2006-01-02T15:04:05Z")
	if err := flags.Parse(args); err != nil {
		return err
	}
	made, err := time.Parse(time.RFC3339, *date)
	if err != nil {
		return fmt.Errorf("-date: %w", err)
	}
	if flags.NArg() != 1 {
		return errors.New("name one directory to pack")
	}
	file, err := os.Create(*out)
	if err != nil {
		return err
	}
	defer file.Close()
	var into entries
	switch {
	case strings.HasSuffix(*out, ".tar.gz"):
		compressed, err := gzip.NewWriterLevel(file, gzip.BestCompression)
		if err != nil {
			return err
		}
		into = &tarball{tar: tar.NewWriter(compressed), compressed: compressed, made: made.UTC()}
	case strings.HasSuffix(*out, ".zip"):
		into = &zipped{zip: zip.NewWriter(file), made: made.UTC()}
	default:
		return fmt.Errorf("%s ends neither in .tar.gz nor in .zip", *out)
	}
	if err := pack(into, flags.Arg(0), *prefix); err != nil {
		return err
	}
	return errors.Join(into.Close(), file.Close())
}

func pack(into entries, dir, prefix string) error {
	return filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no regular file", file)
		}
		below, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		content, err := os.Open(file)
		if err != nil {
			return err
		}
		defer content.Close()
		return into.add(path.Join(prefix, filepath.ToSlash(below)), info, content)
	})
}

// mode leaves what matters: whether a file may be run.
func mode(info fs.FileInfo) fs.FileMode {
	if info.Mode()&0o111 != 0 {
		return 0o755
	}
	return 0o644
}

type tarball struct {
	tar        *tar.Writer
	compressed io.Closer
	made       time.Time
}

func (t *tarball) add(name string, info fs.FileInfo, content io.Reader) error {
	err := t.tar.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: int64(mode(info)), ModTime: t.made, Uname: "root", Gname: "root", Format: tar.FormatPAX,
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(t.tar, content)
	return err
}

func (t *tarball) Close() error { return errors.Join(t.tar.Close(), t.compressed.Close()) }

type zipped struct {
	zip  *zip.Writer
	made time.Time
}

func (z *zipped) add(name string, info fs.FileInfo, content io.Reader) error {
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: z.made}
	header.SetMode(mode(info))
	file, err := z.zip.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return err
}

func (z *zipped) Close() error { return z.zip.Close() }
