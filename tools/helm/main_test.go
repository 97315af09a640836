package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const chartDir = "../../deploy/helm/ohfp"

func render(t *testing.T, values string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(values), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := run([]string{"template", "-values", file, chartDir}, &out)
	return out.String(), err
}

func TestChart(t *testing.T) {
	for _, c := range []struct{ values, want string }{
		{"", "image: \"ghcr.io/openhostfactory/ohfp:latest\""},
		{"", "runAsNonRoot: true"},
		{"", "readOnlyRootFilesystem: true"},
		{"", "strategy: { type: Recreate }"},
		{"image: {digest: sha256:" + strings.Repeat("0", 64) + "}", "ohfp@sha256:000"},
		{"config: {limits: {max_machines: 5}}", "    limits:\n      max_machines: 5"},
		{"templates: [{templateId: a}]", `"templateId": "a"`},
		{"env: {AWS_REGION: eu-west-1}", `- { name: AWS_REGION, value: "eu-west-1" }`},
		{"envFromSecrets: [database]", "- secretRef: { name: database }"},
		{"persistence: {enabled: false}\nreplicas: 3", "replicas: 3"},
		{"persistence: {existingClaim: mine}", "claimName: mine"},
		{"existingConfigMap: mine", "configMap: { name: mine }"},
		{"simulated: {enabled: true}", "args: [simulator, serve"},
		{"simulated: {enabled: true}", `"templateId": "EC2FleetInstant"`},
		{"serviceAccount: {annotations: {eks.amazonaws.com/role-arn: arn}}", "eks.amazonaws.com/role-arn: arn"},
		{"ingress: {enabled: true, tlsSecret: tls}", "secretName: tls"},
		{"tls: {secret: mine}", "port: http, scheme: HTTPS }"},
		{"tls: {secret: mine}", "name: OHFP_API_TLS_CERT_FILE, value: /etc/ohfp-tls/tls.crt"},
		{"tls: {secret: mine}", "secretName: mine"},
		{"networkPolicy: {enabled: true}", "ingress: []"},
		{"serviceMonitor: {enabled: true, tokenSecret: s}", "credentials: { name: s, key: token }"},

		{"replica: 2", "error: replica"},
		{"replicas: 2", "error: more than one cannot share a volume"},
		{"ingress: {enabled: true}", "error: name the secret of its certificate"},
		{"serviceMonitor: {enabled: true}", "error: Prometheus needs a token"},
		{"existingConfigMap: mine\nconfig: {a: b}", "error: would have no effect"},
		{"image: {pullPolicy: Sometimes}", "error: pullPolicy"},
	} {
		got, err := render(t, c.values)
		if want, isError := strings.CutPrefix(c.want, "error: "); isError {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want an error with %q", c.values, err, want)
			}
		} else if err != nil || !strings.Contains(got, c.want) {
			t.Errorf("%q: %v, no %q in\n%s", c.values, err, c.want, got)
		}
	}
}

func TestSimulatedTemplatesAreThoseOfCompose(t *testing.T) {
	ours, err := os.ReadFile(filepath.Join(chartDir, "simulated.json"))
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile("../../deploy/docker/simulated/templates.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours, theirs) {
		t.Error("deploy/helm/ohfp/simulated.json and deploy/docker/simulated/templates.json differ; copy one to the other")
	}
}

func TestPackage(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	if err := run([]string{"package", "-version", "v1.2.3", "-destination", dir, chartDir}, &out); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := run([]string{"template", filepath.Join(dir, "ohfp-1.2.3.tgz")}, &out); err != nil || !strings.Contains(out.String(), "ohfp:1.2.3") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
