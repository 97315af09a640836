package rest

import (
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// compressFrom is how many bytes an answer must have to be worth compressing: below, it fits a packet anyway.
const compressFrom = 1400

// compress sends long answers compressed to those who take them so. Streams are sent as they come.
func (s *Server) compress(next http.Handler) http.Handler {
	pool := &sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level exists
		return w
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || strings.HasSuffix(strings.TrimRight(r.URL.Path, "/"), "/stream") {
			next.ServeHTTP(w, r)
			return
		}
		c := &compressor{ResponseWriter: w, pool: pool}
		defer c.close()
		next.ServeHTTP(c, r)
	})
}

// compressor decides with the first bytes.
type compressor struct {
	http.ResponseWriter

	pool   *sync.Pool
	status int
	zip    *gzip.Writer
	begun  bool
}

func (c *compressor) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
}

func (c *compressor) Write(b []byte) (int, error) {
	if !c.begun {
		c.begin(len(b))
	}
	if c.zip != nil {
		return c.zip.Write(b)
	}
	return c.ResponseWriter.Write(b)
}

func (c *compressor) begin(size int) {
	c.begun = true
	h := c.Header()
	h.Add("Vary", "Accept-Encoding")
	if size >= compressFrom && h.Get("Content-Encoding") == "" {
		h.Set("Content-Encoding", "gzip")
		h.Del("Content-Length")
		c.zip, _ = c.pool.Get().(*gzip.Writer)
		c.zip.Reset(c.ResponseWriter)
	}
	if c.status != 0 {
		c.ResponseWriter.WriteHeader(c.status)
	}
}

func (c *compressor) close() {
	if !c.begun && c.status != 0 {
		c.ResponseWriter.WriteHeader(c.status)
	}
	if c.zip != nil {
		_ = c.zip.Close() // the caller may have gone
		c.pool.Put(c.zip)
	}
}
