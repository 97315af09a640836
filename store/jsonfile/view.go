package jsonfile

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"

	"github.com/openhostfactory/ohfp"
)

// view is the store as one write left it. What is read through it is of one state if that write is still the last.
type view struct {
	disk
	head    head
	moved   map[string]string // where files are that may not be in their places yet; empty: removed
	records map[ohfp.RequestID]*record

	listed bool // a directory was listed
	misses int  // files that were not there
	hits   int
}

func (d disk) view() (*view, error) {
	h, err := d.head()
	if err != nil {
		return nil, err
	}
	v := &view{disk: d, head: h, moved: map[string]string{}, records: map[ohfp.RequestID]*record{}}
	for i, name := range h.Placed {
		v.moved[name] = h.staged(i)
	}
	for _, name := range h.Removed {
		v.moved[name] = ""
	}
	return v, nil
}

// retries is how often a look that was overtaken by writes is repeated before it makes them wait.
const retries = 4

// look runs gather on one state of the store. It may run it several times and passes only the last result on.
func (s *Store) look(ctx context.Context, gather func(v *view) error) error {
	try := func() (done bool, err error) {
		if err := ctx.Err(); err != nil {
			return true, err
		}
		v, err := s.disk.view()
		if err != nil {
			return true, err
		}
		err = gather(v)
		if ctx.Err() != nil || !v.listed && v.hits == 1 && v.misses == 0 {
			return true, err // a single file is always of one state
		}
		now, headErr := s.disk.head()
		if headErr != nil {
			return true, errors.Join(err, headErr)
		}
		return now.Sequence == v.head.Sequence, err
	}
	for range retries {
		if done, err := try(); done {
			return s.fault(err)
		}
	}
	release, err := s.lock(ctx)
	if err != nil {
		return s.fault(err)
	}
	defer release()
	_, err = try()
	return s.fault(err)
}

// at runs read with the name under which a file is to be found now.
func (v *view) at(name string, read func(name string) error) error {
	err := fs.ErrNotExist
	staged, moved := v.moved[name]
	if moved && staged != "" {
		err = read(staged) // not there any more once it is in its place
	}
	if errors.Is(err, fs.ErrNotExist) && (!moved || staged != "") {
		err = read(name)
	}
	switch {
	case err == nil:
		v.hits++
	case errors.Is(err, fs.ErrNotExist):
		v.misses++
	}
	return err
}

func (v *view) file(name string) (data []byte, err error) {
	err = v.at(name, func(name string) error {
		data, err = v.read(name)
		return err
	})
	return data, err
}

// files names the files of a directory.
func (v *view) files(dir string) ([]string, error) {
	v.listed = true
	names, err := v.list(dir)
	if err != nil || len(v.moved) == 0 {
		return names, err
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		_, moved := v.moved[path.Join(dir, name)]
		return moved
	})
	for name, staged := range v.moved {
		if parent, base := path.Split(name); path.Clean(parent) == dir && staged != "" {
			names = append(names, base)
		}
	}
	return names, nil
}

// find returns a request, perhaps without its machines, or nil.
func (v *view) find(id ohfp.RequestID) (*record, error) { return v.load(id, false) }

// whole returns a request with the machines in its file, or nil.
func (v *view) whole(id ohfp.RequestID) (*record, error) { return v.load(id, true) }

func (v *view) load(id ohfp.RequestID, whole bool) (*record, error) {
	if r, ok := v.records[id]; ok && (r == nil || r.all || !whole) {
		return r, nil
	}
	name := fileName(string(id))
	for _, dir := range []string{openDir, heldDir, doneDir} {
		r, err := v.recordAt(dir, name, whole)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return r, err
	}
	v.records[id] = nil
	return nil, nil //nolint:nilnil // none is an answer
}

// recordAt reads a file of requests.
func (v *view) recordAt(dir, name string, whole bool) (r *record, err error) {
	var data []byte
	var all bool
	place := path.Join(dir, name)
	err = v.at(place, func(name string) error {
		data, all, err = v.readUntil(name, func(data []byte) bool { return !whole && headEnd(data) > 0 })
		return err
	})
	if err != nil {
		return nil, err
	}
	if r, err = decodeRecord(data, all); err != nil {
		return nil, v.damaged(place, err)
	}
	r.dir, r.file = dir, place
	v.records[r.id] = r
	return r, nil
}

// gather reads the files that a request's machines are in: its own, or of a return those of the requests that launched
// them.
func (v *view) gather(ctx context.Context, r *record) ([]*record, error) {
	if r.request == nil || r.request.Type != ohfp.TypeReturn {
		r, err := v.whole(r.id)
		return []*record{r}, err
	}
	ids := slices.Clone(r.from)
	if len(r.request.Also) > 0 {
		keys := make([]string, len(r.request.Also))
		for i, id := range r.request.Also {
			keys[i] = string(id)
		}
		more, err := v.lookup(ctx, keys)
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	return v.wholes(ctx, ids)
}

// wholes reads the requests of ids, each once, leaving out those that do not exist.
func (v *view) wholes(ctx context.Context, ids []ohfp.RequestID) ([]*record, error) {
	slices.Sort(ids)
	var found []*record
	for _, id := range slices.Compact(ids) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := v.whole(id)
		if err != nil {
			return nil, err
		}
		if r != nil {
			found = append(found, r)
		}
	}
	return found, nil
}
