package awssim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// SSM and SQS speak JSON: a target header names the call. Its members become form parameters here, so that they share
// decoding, ledger and failures with the services that speak the Query protocol.

// ssmVersion is the version of the API, which calls do not send.
const ssmVersion = "2014-11-06"

// GetParameters takes ten names.
const maxParameterNames = 10

// readJSON turns a call into the form that it would be in the Query protocol.
func readJSON(r *http.Request) (url.Values, error) {
	service, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	version, ok := map[string]string{"AmazonSSM": ssmVersion, "AmazonSQS": sqsVersion}[service]
	if !ok {
		return nil, fmt.Errorf("awssim: the target %q is none of SSM's or SQS's", clip(r.Header.Get("X-Amz-Target"), 64))
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("awssim: %w", err)
	}
	members := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&members); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("awssim: the request is no JSON object: %w", err)
	}
	form := url.Values{}
	flatten(form, "", members)
	form.Set("Action", action)
	form.Set("Version", version)
	return form, nil
}

func flatten(form url.Values, name string, v any) {
	prefix := name
	if name != "" {
		prefix += "."
	}
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			flatten(form, prefix+key, member)
		}
	case []any:
		for i, item := range v {
			flatten(form, prefix+strconv.Itoa(i+1), item)
		}
	case nil:
	default:
		form.Set(name, fmt.Sprint(v))
	}
}

func encodeJSONReply(reply any) []byte {
	// Replies consist of strings and numbers.
	body, _ := json.Marshal(reply)
	return body
}

func encodeJSONError(err *apiError) []byte {
	return encodeJSONReply(map[string]string{"__type": err.Code, "message": err.Message})
}

type getParameterInput struct {
	Name string `query:"Name"`
	// Decryption changes nothing for parameters that are no secrets.
	Decryption bool `query:"WithDecryption"`
}

type parameterReply struct {
	Arn          string
	Name         string
	Type         string
	Value        string
	Version      int
	DataType     string
	Selector     string  `json:",omitempty"`
	LastModified float64 `json:"LastModifiedDate"`
}

type getParameterReply struct {
	Parameter parameterReply
}

func (c *Cloud) getParameter(_ *call, in *getParameterInput) (any, error) {
	if in.Name == "" {
		return nil, errorf("ValidationException", "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null")
	}
	p, err := c.parameter(in.Name)
	if err != nil {
		return nil, err
	}
	return getParameterReply{p}, nil
}

// parameter finds a parameter by name or ARN, with or without a version, which is 1.
func (c *Cloud) parameter(asked string) (parameterReply, error) {
	name := asked
	if _, path, ok := strings.Cut(asked, ":parameter/"); ok {
		name = "/" + path
	}
	name, version, _ := strings.Cut(name, ":")
	v, err := c.parameterValue(name)
	if err != nil {
		return parameterReply{}, err
	}
	p := parameterReply{
		Arn: c.arn(serviceSSM, "parameter/"+strings.TrimPrefix(name, "/")), Name: name, Type: "String", Value: v, Version: 1, DataType: "text",
		LastModified: float64(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix()),
	}
	if version != "" {
		p.Selector = ":" + version
		if version != "1" {
			return p, errorf("ParameterVersionNotFound", "Systems Manager could not find version %s of %s. Verify the version and try again.", clip(version, 64), name)
		}
	}
	return p, nil
}

type getParametersInput struct {
	Names      []string `query:"Names"`
	Decryption bool     `query:"WithDecryption"`
}

type getParametersReply struct {
	Parameters        []parameterReply
	InvalidParameters []string
}

// getParameters lists the names that are none instead of failing.
func (c *Cloud) getParameters(_ *call, in *getParametersInput) (any, error) {
	if len(in.Names) == 0 || len(in.Names) > maxParameterNames {
		return nil, errorf("ValidationException", "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length from 1 to 10")
	}
	reply := getParametersReply{Parameters: []parameterReply{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		p, err := c.parameter(name)
		if err != nil {
			reply.InvalidParameters = append(reply.InvalidParameters, name)
			continue
		}
		reply.Parameters = append(reply.Parameters, p)
	}
	return reply, nil
}
