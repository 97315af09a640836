package client_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/cli"
)

// serve runs ohfp serve on a simulated AWS and returns where it answers.
func serve() (url string, stop func()) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cloud, err := awssim.New(awssim.Options{})
	must(err)
	ready, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		_ = cloud.ListenAndServe(ctx, "127.0.0.1:0", func(url string) { ready <- url }) // until ctx ends
	}()
	dir, err := os.MkdirTemp("", "ohfp")
	must(err)
	conf := filepath.Join(dir, "conf")
	must(os.Mkdir(conf, 0o755))
	for name, content := range map[string]string{
		"awsprov_config.json": `{"AWS_REGION": "us-east-1"}`,
		"awsprov_templates.json": `{"templates": [{"templateId": "small", "maxNumber": 10, "providerApi": "EC2Fleet", "fleetType": "instant",
			"imageId": "ami-0abcdef1234567890", "vmTypes": {"t3.medium": 1}, "subnetId": "subnet-0000000000000000a",
			"securityGroupIds": ["sg-00000000000000001"]}]}`,
	} {
		must(os.WriteFile(filepath.Join(conf, name), []byte(content), 0o600))
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": <-ready, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "OHFP_CONF_DIR": conf, "OHFP_WORK_DIR": filepath.Join(dir, "work"),
	} {
		must(os.Setenv(name, value))
	}
	read, write := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- cli.Main(ctx, []string{"serve", "--port", "0"}, strings.NewReader(""), io.Discard, write)
	}()
	said := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(read)
		for lines.Scan() {
			if _, rest, found := strings.Cut(lines.Text(), "REST at "); found {
				url, _, _ := strings.Cut(rest, ",")
				said <- url
			}
		}
	}()
	select {
	case url = <-said:
	case <-time.After(time.Minute):
		panic("ohfp serve has not said where it answers")
	}
	return url, func() {
		cancel()
		<-code
		<-ended
		_ = write.Close()
		must(os.RemoveAll(dir))
	}
}
