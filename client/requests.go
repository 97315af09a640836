package client

import (
	"context"
	"crypto/rand"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
)

const requestsPath = "/api/v1/requests"

// Order asks for machines.
type Order struct {
	Template ohfp.TemplateID `json:"templateId"`
	Count    int             `json:"count"`              // machines, or units where the template counts units
	Provider string          `json:"provider,omitempty"` // the provider instance to ask; empty: placement chooses
	// Key names the order: the same key and order within a day make one request. Empty: a new one, which makes this call safe to
	// repeat and no other.
	Key string `json:"-"`
}

// RequestMachines asks for machines. It answers once the cloud has accepted or refused, or after a moment with the id under
// which the request can be followed.
func (c *Client) RequestMachines(ctx context.Context, order Order) (api.Request, error) {
	var made api.Request
	_, err := c.do(ctx, call{Method: http.MethodPost, Path: requestsPath, Header: keyed(order.Key), Body: order}, &made)
	return made, err
}

// PlanRequest tells what an order would do. Nothing is stored, and nothing changes in the cloud.
func (c *Client) PlanRequest(ctx context.Context, order Order) (api.RequestPlan, error) {
	var plan api.RequestPlan
	return plan, c.Do(ctx, http.MethodPost, requestsPath+"/plan", order, &plan)
}

func keyed(key string) map[string]string {
	if key == "" {
		key = rand.Text()
	}
	return map[string]string{keyHeader: key}
}

// Request is one request or return with its machines, after a look at the cloud.
func (c *Client) Request(ctx context.Context, id ohfp.RequestID) (api.RequestView, error) {
	var shown api.RequestView
	return shown, c.Do(ctx, http.MethodGet, requestPath(id), nil, &shown)
}

// CancelRequest stops a request that is under way and releases what it has. The reason is for people and may be empty.
func (c *Client) CancelRequest(ctx context.Context, id ohfp.RequestID, reason string) (api.RequestView, error) {
	var shown api.RequestView
	query := url.Values{}
	set(query, "reason", reason)
	_, err := c.do(ctx, call{Method: http.MethodDelete, Path: requestPath(id), Query: query}, &shown)
	return shown, err
}

// PlanCancel shows a request with those of its machines that a cancel would end. Nothing is stored, and nothing changes in the cloud.
func (c *Client) PlanCancel(ctx context.Context, id ohfp.RequestID) (api.RequestView, error) {
	var shown api.RequestView
	_, err := c.do(ctx, call{Method: http.MethodDelete, Path: requestPath(id), Query: url.Values{"dryRun": {"true"}}}, &shown)
	return shown, err
}

func requestPath(id ohfp.RequestID) string { return requestsPath + "/" + url.PathEscape(string(id)) }

// RequestFilter narrows a list. Empty fields do not narrow.
type RequestFilter struct {
	Statuses []ohfp.Status
	Template ohfp.TemplateID
	Type     ohfp.RequestType
	Verbose  bool   // with machines
	Cursor   string // the field Next of the page before
	Limit    int    // of a page; 0: 50
}

// Requests is a page of requests and returns, newest first.
func (c *Client) Requests(ctx context.Context, filter RequestFilter) (api.RequestList, error) {
	query := url.Values{}
	set(query, "cursor", filter.Cursor)
	set(query, "templateId", string(filter.Template))
	set(query, "type", string(filter.Type))
	set(query, "status", joined(filter.Statuses))
	setPage(query, filter.Limit, 0)
	if filter.Verbose {
		query.Set("verbose", "true")
	}
	var list api.RequestList
	_, err := c.do(ctx, call{Method: http.MethodGet, Path: requestsPath, Query: query}, &list)
	return list, err
}

// EachRequest goes through all pages. It ends with the first error.
func (c *Client) EachRequest(ctx context.Context, filter RequestFilter) iter.Seq2[api.Request, error] {
	return pages(filter.Cursor, func(cursor string) ([]api.Request, string, error) {
		filter.Cursor = cursor
		page, err := c.Requests(ctx, filter)
		return page.Requests.Requests, page.Next, err
	})
}

// pages goes through what comes in pages.
func pages[T any](cursor string, page func(cursor string) (list []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		at := cursor
		for {
			list, next, err := page(at)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, one := range list {
				if !yield(one, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			at = next
		}
	}
}

// set gives a parameter that is not empty.
func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

func setPage(query url.Values, limit, offset int) {
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	if offset > 0 {
		query.Set("offset", strconv.Itoa(offset))
	}
}

// joined is a list as one parameter.
func joined[T ~string](list []T) string {
	text := ""
	for i, one := range list {
		if i > 0 {
			text += ","
		}
		text += string(one)
	}
	return text
}
