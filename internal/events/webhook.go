package events

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/openhostfactory/ohfp"
)

// The headers of a delivery.
const (
	// HeaderTimestamp has the seconds since 1970 at which the delivery was signed.
	HeaderTimestamp = "Ohfp-Timestamp"
	// HeaderSignature has "sha256=" and the signature, see [Sign].
	HeaderSignature = "Ohfp-Signature"
)

// Webhook posts batches of events as JSON to an address. Any answer from 200 to 299 means that they have arrived.
type Webhook struct {
	URL          string
	Secret       func() ([]byte, error) // read for each delivery, so that it may be changed at any time
	Installation ohfp.InstallationID
	Client       *http.Client
	Now          func() time.Time
}

var _ Sink = Webhook{}

// Body is what a webhook receives.
type Body struct {
	Installation ohfp.InstallationID `json:"installation"`
	Events       []ohfp.Event        `json:"events"`
}

// Sign is the signature of a body: the HMAC of SHA-256, with the secret as key, over the timestamp, a dot and the body, in
// hexadecimal digits.
func Sign(secret []byte, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// CheckURL refuses addresses to which events would travel in the open: anything but https, unless it is on this machine.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ohfp.Errorf(ohfp.ErrInvalid, "url is not an address; write https://, a host and a path")
	}
	if u.User != nil {
		return ohfp.Errorf(ohfp.ErrInvalid, "url holds a user or a password, which logs would show; remove it, deliveries are signed")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return ohfp.Errorf(ohfp.ErrInvalid, "url is not encrypted and leaves this machine; write https://")
	}
	return nil
}

// Client is an HTTP client that follows no redirects: the events are for the address that was configured.
func Client() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Deliver posts the events.
func (s Webhook) Deliver(ctx context.Context, batch []ohfp.Event) error {
	secret, err := s.Secret()
	if err != nil {
		return fmt.Errorf("read the secret: %w", err)
	}
	body, err := json.Marshal(Body{Installation: s.Installation, Events: batch})
	if err != nil {
		return fmt.Errorf("encode %d events: %w", len(batch), err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	timestamp := strconv.FormatInt(s.Now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "ohfp")
	request.Header.Set(HeaderTimestamp, timestamp)
	request.Header.Set(HeaderSignature, "sha256="+Sign(secret, timestamp, body))
	answer, err := s.Client.Do(request)
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return ohfp.Errorf(ohfp.ErrUnavailable, "the address cannot be reached: %w", failed.Err) // without the address, which may hold a token
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return ohfp.Errorf(ohfp.ErrUnavailable, "the address answered %s", answer.Status)
	}
	return nil
}
