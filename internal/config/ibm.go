package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp/internal/config/directories"
	"github.com/openhostfactory/ohfp/internal/config/document"
)

// isIBM recognises IBM's file by its keys.
func isIBM(root document.Node) bool {
	return slices.ContainsFunc(root.Fields, func(f document.Field) bool {
		return strings.HasPrefix(f.Key, "AWS_") || f.Key == "ACCEPT_PROPAGATED_LOG_SETTING"
	})
}

// ibmFile is what IBM's file of the AWS provider plug-in says.
type ibmFile struct {
	file
	own  map[string]any // the aws provider's settings
	line int

	proxy int // the line of AWS_PROXY_HOST
}

// applyIBM translates IBM's file. A setting that the other files have wins over it.
func (f file) applyIBM(root document.Node) error {
	ibm := ibmFile{file: f, own: map[string]any{}}
	if err := ibm.setting("logging.accept_propagated", "false"); err != nil {
		return err
	}
	for _, field := range root.Fields {
		if field.Value.Null() || field.Value.Text() == "" && field.Value.Kind == document.Scalar {
			continue
		}
		ibm.line = field.Line
		if field.Value.Kind != document.Scalar {
			return f.fail(field.Line, "%s is %s; write text or a number", field.Key, field.Value.Kind)
		}
		if err := ibm.apply(field.Key, field.Value.Text()); err != nil {
			return err
		}
	}
	if _, hasHost := ibm.own["proxy_host"]; !hasHost && ibm.own["proxy_port"] != nil {
		delete(ibm.own, "proxy_port")
		f.note(f.path + ": AWS_PROXY_PORT has no effect without AWS_PROXY_HOST")
	}
	if ibm.own["proxy_host"] != nil && ibm.own["proxy_port"] == nil {
		return f.fail(ibm.proxy, "AWS_PROXY_HOST is set without AWS_PROXY_PORT; add the port")
	}
	var p Provider
	p.applyDefaults()
	p.Name = cmp.Or(f.config.Instance, strings.TrimSuffix(filepath.Base(f.path), directories.IBMSuffix))
	if !wellFormed(p.Name) {
		p.Name = "aws"
	}
	p.Type = "aws"
	p.Config, _ = json.Marshal(ibm.own) // strings and numbers always encode
	f.config.Providers = []Provider{p}
	f.config.Origins["providers"] = f.path
	return nil
}

// apply translates one key. The bounds are IBM's.
func (f *ibmFile) apply(key, value string) error {
	switch key {
	case "AWS_REGION":
		f.own["region"] = value
	case "AWS_ENDPOINT_URL":
		f.own["endpoint_url"] = value
	case "AWS_CREDENTIAL_FILE":
		f.own["credential_file"] = value
	case "AWS_PROXY_HOST":
		f.own["proxy_host"] = value
		f.proxy = f.line
	case "AWS_PROXY_PORT":
		port, err := f.number(key, value, 1, 65535)
		f.own["proxy_port"] = port
		return err
	case "AWS_CONNECTION_TIMEOUT_MS":
		ms, err := f.number(key, value, 1, 3_600_000)
		f.own["connect_timeout"] = (time.Duration(ms) * time.Millisecond).String()
		return err
	case "AWS_REQUEST_RETRY_ATTEMPTS":
		return f.retries(key, value)
	case "AWS_INSTANCE_PENDING_TIMEOUT_SEC":
		seconds, err := f.number(key, value, 180, 10_000)
		if err != nil {
			return err
		}
		f.note(f.at(f.line) + ": " + key + " is taken as requests.timeout: how long a whole request may take")
		return f.setting("requests.timeout", strconv.Itoa(seconds))
	case "AWS_DESCRIBE_REQUEST_RETRY_ATTEMPTS", "AWS_DESCRIBE_REQUEST_INTERVAL":
		if _, err := f.number(key, value, 0, 10_000); err != nil {
			return err
		}
		f.note(f.at(f.line) + ": " + key + " is not needed: a read that fails is repeated with the next status call and never ends a request")
	case "AWS_KEY_FILE":
		f.note(f.at(f.line) + ": " + key + " is not needed: the key pair that a template names is AWS's, no file of it is read")
	case "AWS_SPOT_TERMINATE_ON_RECLAIM":
		on, err := strconv.ParseBool(strings.ToLower(value))
		if err != nil {
			return f.fail(f.line, "%s is %q; write true or false", key, value)
		}
		if !on {
			f.note(f.at(f.line) + ": " + key + " false is not needed: a machine that is given back is ended if it still lives, " +
				"and one that AWS has ended already costs nothing")
		}
	case "ACCEPT_PROPAGATED_LOG_SETTING":
		return f.setting("logging.accept_propagated", value)
	default:
		return f.fail(f.line, "%s has no meaning here%s", key, ibmSuggestion(key))
	}
	return nil
}

// retries translates IBM's number of retries. 0 is what IBM's own sample says, and means no wish: without any repetition
// every throttled call would fail.
func (f ibmFile) retries(key, value string) error {
	n, err := f.number(key, value, 0, 10)
	if err != nil {
		return err
	}
	if n == 0 {
		f.note(f.at(f.line) + ": " + key + " 0 is taken as not set: failed calls are repeated as the provider does by default")
		return nil
	}
	f.own["max_retries"] = n
	return nil
}

// setting takes over a value unless another file has the setting.
func (f ibmFile) setting(name, value string) error {
	if _, taken := f.config.Origins[name]; taken && !strings.HasPrefix(f.config.Origins[name], f.path) {
		return nil
	}
	key, _ := f.key(name)
	return f.set(key, f.at(max(f.line, 1)), "", value)
}

func (f ibmFile) number(key, value string, least, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return 0, f.fail(f.line, "%s is %q; write a whole number from %d to %d", key, value, least, most)
	}
	return n, nil
}

func ibmSuggestion(key string) string {
	known := []string{
		"ACCEPT_PROPAGATED_LOG_SETTING", "AWS_CONNECTION_TIMEOUT_MS", "AWS_CREDENTIAL_FILE", "AWS_ENDPOINT_URL",
		"AWS_INSTANCE_PENDING_TIMEOUT_SEC", "AWS_PROXY_HOST", "AWS_PROXY_PORT", "AWS_REGION", "AWS_REQUEST_RETRY_ATTEMPTS",
		"AWS_SPOT_TERMINATE_ON_RECLAIM",
	}
	if near := document.Nearest(key, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return fmt.Sprintf("; remove it, or use one of %s", strings.Join(known, ", "))
}
