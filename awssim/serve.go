package awssim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The body of a call; 16 KB of user data and 1,000 IDs need a twentieth of it.
const maxBody = 4 << 20

// The versions of the APIs tell the services apart that speak the Query protocol.
const (
	ec2Version = "2016-11-15"
	stsVersion = "2011-06-15"
	asgVersion = "2011-01-01"
)

// Services, by the names that signatures are scoped to.
const (
	serviceEC2 = "ec2"
	serviceSTS = "sts"
	serviceASG = "autoscaling"
	serviceSSM = "ssm"
	serviceSQS = "sqs"
)

// ServeHTTP answers AWS calls at / and control calls below /_simulator/.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, controlPrefix):
		c.serveControl(w, r)
	case r.URL.Path != "/":
		http.Error(w, fmt.Sprintf("awssim: no such path %q: AWS calls go to /, control calls below %s", r.URL.Path, controlPrefix), http.StatusNotFound)
	default:
		c.serveCall(w, r)
	}
}

func (c *Cloud) serveCall(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	form, err := readCall(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !sleep(r.Context(), c.options.Latency) {
		return
	}
	if form.Get("Version") == sqsVersion && form.Get("Action") == "ReceiveMessage" && !c.awaitMessage(r.Context(), form) {
		return
	}
	status, requestID, body := c.execute(form, r.Header.Get("Authorization"))
	switch form.Get("Version") {
	case ssmVersion:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	case sqsVersion:
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	default:
		w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	}
	w.Header().Set("X-Amzn-Requestid", requestID)
	if form.Get("Version") == sqsVersion && status == http.StatusBadRequest && bytes.Contains(body, []byte(codeNoQueue)) {
		// The code that SQS had before it spoke JSON is the one that clients still go by.
		w.Header().Set("X-Amzn-Query-Error", "AWS.SimpleQueueService.NonExistentQueue;Sender")
	}
	w.WriteHeader(status)
	// Whoever went away does not need the answer.
	_, _ = w.Write(body) //nolint:gosec // XML, escaped where it was encoded
}

// readCall returns the parameters of a call, in whichever protocol it came.
func readCall(r *http.Request) (url.Values, error) {
	if r.Header.Get("X-Amz-Target") != "" {
		return readJSON(r)
	}
	if err := r.ParseForm(); err != nil {
		return nil, fmt.Errorf("awssim: the request is no form: %w", err)
	}
	return r.Form, nil
}

// execute carries out one call. The answer is encoded after the lock is released.
func (c *Cloud) execute(form url.Values, authorization string) (status int, requestID string, body []byte) {
	call, reply, err := c.perform(form, authorization)
	action, id := call.entry.Action, call.entry.RequestID
	namespace := stsNamespace
	switch call.entry.Service {
	case serviceEC2:
		if err != nil {
			return err.Status, id, encodeEC2Error(err, id)
		}
		return http.StatusOK, id, encodeEC2Reply(action, id, reply)
	case serviceSSM, serviceSQS:
		if err != nil {
			return err.Status, id, encodeJSONError(err)
		}
		return http.StatusOK, id, encodeJSONReply(reply)
	case serviceASG:
		namespace = asgNamespace
	}
	if err != nil {
		return err.Status, id, encodeQueryError(namespace, err, id)
	}
	return http.StatusOK, id, encodeQueryReply(namespace, action, id, reply)
}

func (c *Cloud) perform(form url.Values, authorization string) (*call, any, *apiError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.settle(now)
	call := &call{now: now, form: form, dryRun: form.Get("DryRun") == "true"}
	call.entry = c.newEntry(call)
	reply, err := c.dispatch(call, authorization)
	var failure *apiError
	call.entry.Status = http.StatusOK
	if err != nil {
		failure = asAPIError(err)
		call.entry.Code, call.entry.Message, call.entry.Status = failure.Code, failure.Message, failure.Status
	}
	c.record(call.entry)
	return call, reply, failure
}

func (c *Cloud) dispatch(call *call, authorization string) (any, error) {
	action, service := call.entry.Action, call.entry.Service
	if err := c.checkScope(call, authorization); err != nil {
		return nil, err
	}
	if version := call.form.Get("Version"); serviceOf(version) == "" {
		return nil, errorf("NoSuchVersion", "The requested version (%s) of service AmazonEC2 does not exist", clip(version, 64))
	}
	if err := c.checkSession(call); err != nil {
		return nil, err
	}
	operation, known := c.operations[operationName{service, action}]
	if !known {
		return nil, errorf("InvalidAction", "The action %s is not valid for this web service or not supported by this simulator", clip(action, 64))
	}
	if err := c.injected(service, action); err != nil {
		return nil, err
	}
	if err := c.throttleRequest(call, operation); err != nil {
		return nil, err
	}
	reply, err := operation.run(c, call)
	if err != nil && service == serviceASG {
		err = asValidationError(err)
	}
	if err == nil && operation.reads {
		err = call.wouldSucceed()
	}
	return reply, err
}

// serviceOf knows the services by the versions of their APIs; empty is none of them.
func serviceOf(version string) string {
	switch version {
	case ec2Version:
		return serviceEC2
	case stsVersion:
		return serviceSTS
	case asgVersion:
		return serviceASG
	case ssmVersion:
		return serviceSSM
	case sqsVersion:
		return serviceSQS
	default:
		return ""
	}
}

// checkScope looks at what a signature is made for, and not at the signature.
func (c *Cloud) checkScope(call *call, authorization string) error {
	service := call.entry.Service
	_, credential, found := strings.Cut(authorization, "AWS4-HMAC-SHA256 Credential=")
	scope := strings.Split(strings.SplitN(credential, ",", 2)[0], "/")
	if !found || len(scope) < 5 {
		if service != serviceEC2 {
			return errorf("MissingAuthenticationToken", "Request is missing Authentication Token")
		}
		return errorf("AuthFailure", "AWS was not able to validate the provided access credentials: the request carries no Signature Version 4")
	}
	// AKID/date/region/service/aws4_request
	call.entry.AccessKey = scope[0]
	region, signedFor := scope[len(scope)-3], scope[len(scope)-2]
	switch {
	case signedFor != service:
		return errorf("SignatureDoesNotMatch", "Credential should be scoped to correct service: '%s', not '%s'", service, signedFor)
	// STS also has one global endpoint, signed for whatever region its caller likes.
	case service == serviceSTS || region == c.options.Region:
		return nil
	case service == serviceEC2:
		return errorf("AuthFailure", "Credential should be scoped to a valid region: this simulator is %s, the request is signed for %s", c.options.Region, region)
	default:
		return errorf("SignatureDoesNotMatch", "Credential should be scoped to a valid region: this simulator is %s, the request is signed for %s", c.options.Region, region)
	}
}

// sleep returns false when the caller went away meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ListenAndServe serves the cloud on addr, such as 127.0.0.1:0, until ctx ends. It calls ready, when not nil, with the
// URL to give to clients as endpoint once connections are accepted. It returns nil when ctx ended it.
func (c *Cloud) ListenAndServe(ctx context.Context, addr string, ready func(url string)) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("awssim: %w", err)
	}
	server := &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() {
		// Calls under way may finish; a client that keeps one open does not hold up the end.
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil {
			_ = server.Close()
		}
	})
	defer stop()
	if ready != nil {
		ready("http://" + listener.Addr().String())
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("awssim: %w", err)
	}
	return nil
}
