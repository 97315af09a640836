package awsapi

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// httpClient puts our own transport around the connections that the SDK has configured (proxy, CA bundle, TLS 1.2 and
// up, kept alive).
func (s Settings) httpClient(configured aws.HTTPClient) (*http.Client, *http.Transport) {
	client := &http.Client{
		Transport:     s.Transport,
		Timeout:       s.RequestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if s.Transport != nil {
		return client, nil
	}
	var transport *http.Transport
	if buildable, ok := configured.(*awshttp.BuildableClient); ok {
		transport = buildable.GetTransport()
	} else {
		transport = s.buildableClient().GetTransport()
	}
	client.Transport = ownBody{transport}
	return client, transport
}

// ownBody gives net/http its own copy of each request's body. The SDK closes the body as soon as the answer's headers
// are there; against a server that answers before net/http has finished writing, that breaks the connection under the
// answer (aws-sdk-go-v2 issues 1825 and 2737).
type ownBody struct{ next http.RoundTripper }

func (t ownBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return t.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read the request's body: %w", err)
	}
	own := r.Clone(r.Context())
	own.ContentLength = int64(len(body))
	own.Body = io.NopCloser(bytes.NewReader(body))
	own.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return t.next.RoundTrip(own)
}
