package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// copy makes a layer of COPY [--chown=UID:GID] FROM TO, both directories.
func (i *state) copy(s step) error {
	fields := strings.Fields(s.Rest)
	if len(fields) != 2 || s.flag("from") != "" {
		return fmt.Errorf("line %d: COPY of one directory of the build context is all that is understood", s.Line)
	}
	uid, gid := 0, 0
	if owner := s.flag("chown"); owner != "" {
		if _, err := fmt.Sscanf(owner, "%d:%d", &uid, &gid); err != nil {
			return fmt.Errorf("line %d: --chown wants two numbers, not %q", s.Line, owner)
		}
	}
	var content bytes.Buffer
	if err := i.write(&content, filepath.Join(i.Context, fields[0]), strings.Trim(fields[1], "/"), uid, gid); err != nil {
		return fmt.Errorf("line %d: %w", s.Line, err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return err
	}
	i.layers = append(i.layers, mutate.Addendum{
		Layer: layer, MediaType: types.OCILayer,
		History: v1.History{CreatedBy: s.Name + " " + s.Rest, Created: v1.Time{Time: i.Made}},
	})
	return nil
}

// write puts the directory from into an archive, below the name to. Walking is in the order of names, so that the same
// files make the same bytes.
func (i *state) write(out io.Writer, from, to string, uid, gid int) error {
	archive := tar.NewWriter(out)
	err := filepath.WalkDir(from, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		if to == "." && below == "." {
			return nil // an archive of its own, not below a directory
		}
		header := &tar.Header{
			Name: path.Join(to, filepath.ToSlash(below)), Uid: uid, Gid: gid, ModTime: i.Made,
			Mode: int64(info.Mode().Perm()), Format: tar.FormatPAX,
		}
		switch {
		case entry.IsDir():
			header.Typeflag, header.Name = tar.TypeDir, header.Name+"/"
			return archive.WriteHeader(header)
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is neither a file nor a directory", file)
		}
		header.Typeflag, header.Size = tar.TypeReg, info.Size()
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		content, err := os.Open(file)
		if err != nil {
			return err
		}
		defer content.Close()
		_, err = io.Copy(archive, content)
		return err
	})
	if err != nil {
		return err
	}
	return archive.Close()
}

// archive writes the images of all platforms as one OCI layout in a tar file, which docker load, podman load and skopeo
// understand.
func (b builder) archive(platforms []string, name, out string) error {
	var index v1.ImageIndex = mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range platforms {
		image, err := b.image(platform)
		if err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
		system, architecture, _ := strings.Cut(platform, "/")
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			Platform:    &v1.Platform{OS: system, Architecture: architecture},
			Annotations: map[string]string{"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name},
		}})
	}
	if len(platforms) > 1 {
		// A layout of several images would leave open which of them is meant: hence one that holds them all.
		index = mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{Add: index, Descriptor: v1.Descriptor{
			Annotations: map[string]string{"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name},
		}})
	}
	dir, err := os.MkdirTemp(filepath.Dir(out), ".layout-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if _, err := layout.Write(dir, index); err != nil {
		return err
	}
	file, err := os.Create(out)
	if err != nil {
		return err
	}
	defer file.Close()
	packer := state{builder: b}
	if err := packer.write(file, dir, ".", 0, 0); err != nil {
		return err
	}
	return file.Close()
}
