package config

// Shown is settings as those see them who ask.
type Shown struct {
	Settings []Value  `json:"settings"`
	Files    []string `json:"files" doc:"The files that they were read from"`
}

// Show returns a setting, those of a section, or with an empty name all. Secrets are hidden.
func (c Config) Show(secret OwnSecret, name string) (Shown, error) {
	values, err := Select(c.Values(secret), name)
	if err != nil {
		return Shown{}, err
	}
	return Shown{Settings: values, Files: append([]string{}, c.Files...)}, nil
}

// Checked is what is wrong with a configuration, if anything.
type Checked struct {
	Valid    bool     `json:"valid"`
	Files    []string `json:"files"`
	Errors   []string `json:"errors"`
	Warnings []string `json:"warnings"`
}
