package config

import (
	"strings"
	"testing"
)

func TestDirectories(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		files   map[string]string
		environ []string
		file    string
		want    [3]string // configuration, work and log, with @ for where the program was started
	}{
		{
			"Host Factory's own variables", nil,
			[]string{"HF_PROVIDER_NAME=i", "HF_PROVIDER_CONFDIR=/c", "HF_PROVIDER_WORKDIR=/w", "HF_PROVIDER_LOGDIR=/l", "HF_CONFDIR=/x", "OHFP_CONF_DIR=/y"},
			"",
			[3]string{"/c", "/w", "/l"},
		},
		{
			"Host Factory's documented defaults", nil,
			[]string{"HF_PROVIDER_NAME=i", "HF_CONFDIR=/hf/conf", "HF_WORKDIR=/hf/work", "HF_LOGDIR=/hf/log"},
			"",
			[3]string{"/hf/conf/providers/i", "/hf/work/providers/i", "/hf/log"},
		},
		{
			"LSF",
			map[string]string{"lsf/conf/awsprov_config.json": `{"AWS_REGION": "x"}`},
			[]string{"PROVIDER_NAME=aws", "PRO_CONF_DIR=@/lsf", "PRO_DATA_DIR=/lsf/work", "PRO_LSF_LOGDIR=/lsf/log"},
			"",
			[3]string{"@/lsf/conf", "/lsf/work/aws", "/lsf/log"},
		},
		{
			"LSF with the files where it says", nil,
			[]string{"PROVIDER_NAME=aws", "PRO_CONF_DIR=@/lsf", "PRO_DATA_DIR=/lsf/work"},
			"",
			[3]string{"@/lsf", "/lsf/work/aws", "/lsf/work/aws/log"},
		},
		{
			"our own variables", nil,
			[]string{"OHFP_CONF_DIR=c", "OHFP_WORK_DIR=/w", "OHFP_LOG_DIR=l/"},
			"",
			[3]string{"@/c", "/w", "@/l"},
		},
		{
			"a project",
			map[string]string{"config/providers.yml": ""},
			[]string{"HOME=/home/u"},
			"",
			[3]string{"@/config", "@/work", "@/work/log"},
		},
		{
			"a project with nothing but templates",
			map[string]string{"config/templates.json": "[]"},
			[]string{"HOME=/home/u"},
			"",
			[3]string{"@/config", "@/work", "@/work/log"},
		},
		{
			"a user",
			map[string]string{"config/other.txt": ""},
			[]string{"HOME=/home/u"},
			"",
			[3]string{"/home/u/.config/ohfp", "/home/u/.local/state/ohfp", "/home/u/.local/state/ohfp/log"},
		},
		{
			"a user with XDG variables", nil,
			[]string{"XDG_CONFIG_HOME=/xc", "XDG_STATE_HOME=/xs"},
			"",
			[3]string{"/xc/ohfp", "/xs/ohfp", "/xs/ohfp/log"},
		},
		{
			"a named file",
			map[string]string{"etc/my.json": "{}"},
			[]string{"HOME=/home/u"},
			"etc/my.json",
			[3]string{"@/etc", "/home/u/.local/state/ohfp", "/home/u/.local/state/ohfp/log"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, tt.files)
			var environ []string
			for _, entry := range tt.environ {
				environ = append(environ, strings.ReplaceAll(entry, "@", dir))
			}
			c := load(t, Sources{Dir: dir, File: tt.file, Environ: environ})
			got := [3]string{c.ConfDir, c.WorkDir, c.LogDir}
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], dir, "@")
			}
			if got != tt.want {
				t.Errorf("directories = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNoDirectories(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"the configuration directory is not known": nil,
		"the work directory is not known":          {"OHFP_CONF_DIR=/c"},
	}
	for want, environ := range tests {
		if _, err := Load(Sources{Dir: t.TempDir(), Environ: environ}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Load with %v = %v, want %s", environ, err, want)
		}
	}
}
