package awssim

import (
	"regexp"
	"slices"
	"strconv"
	"time"
)

type launchTemplate struct {
	resource
	name           string
	createdAt      time.Time
	defaultVersion int
	versions       []*templateVersion
}

// templateVersion never changes once made.
type templateVersion struct {
	template    *launchTemplate
	number      int
	description string
	createdAt   time.Time
	spec        LaunchSpec
}

func (v *templateVersion) label() string { return strconv.Itoa(v.number) }

func (t *launchTemplate) latest() int { return t.versions[len(t.versions)-1].number }

// LaunchTemplate is a launch template at the moment it was asked for.
type LaunchTemplate struct {
	ID             string                  `json:"id"`
	Name           string                  `json:"name"`
	CreatedAt      time.Time               `json:"createdAt"`
	DefaultVersion int                     `json:"defaultVersion"`
	Tags           map[string]string       `json:"tags"`
	Versions       []LaunchTemplateVersion `json:"versions"`
}

// LaunchTemplateVersion is one version of a launch template.
type LaunchTemplateVersion struct {
	Number      int        `json:"number"`
	Description string     `json:"description,omitempty"`
	Spec        LaunchSpec `json:"spec"`
}

// LaunchTemplates returns the launch templates that exist, oldest first.
func (c *Cloud) LaunchTemplates() []LaunchTemplate {
	c.mu.Lock()
	defer c.mu.Unlock()
	templates := make([]LaunchTemplate, 0, len(c.templates))
	for _, t := range c.templates {
		one := LaunchTemplate{ID: t.id, Name: t.name, CreatedAt: t.createdAt, DefaultVersion: t.defaultVersion, Tags: tagMap(t.tags)}
		for _, v := range t.versions {
			one.Versions = append(one.Versions, LaunchTemplateVersion{v.number, v.description, v.spec})
		}
		templates = append(templates, one)
	}
	return templates
}

// template finds a launch template by ID or by name, whichever is given.
func (c *Cloud) template(id, name string) (*launchTemplate, error) {
	switch {
	case id != "" && name != "":
		return nil, errorf("InvalidParameterCombination", "The parameters LaunchTemplateId and LaunchTemplateName cannot be used together")
	case id == "" && name == "":
		return nil, errorf("MissingParameter", "The request must contain the parameter LaunchTemplateId or LaunchTemplateName")
	}
	for _, t := range c.templates {
		if t.id == id || t.name == name {
			return t, nil
		}
	}
	switch {
	case name != "":
		return nil, errorf("InvalidLaunchTemplateName.NotFoundException", "The specified launch template, with template name %s, does not exist.", clip(name, 128))
	case !wellFormedID("lt", id):
		return nil, errorf("InvalidLaunchTemplateId.Malformed", "Invalid id: \"%s\" (expecting \"lt-...\")", clip(id, 64))
	default:
		return nil, errorf("InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID %s, does not exist.", id)
	}
}

// version finds a version by number, $Latest or $Default; empty is $Default.
func (t *launchTemplate) version(label string) (*templateVersion, error) {
	number := t.defaultVersion
	switch label {
	case "", "$Default":
	case "$Latest":
		number = t.latest()
	default:
		var err error
		if number, err = strconv.Atoi(label); err != nil {
			return nil, invalidValue(clip(label, 32), "Version", "Expecting a number, $Latest or $Default.")
		}
	}
	for _, v := range t.versions {
		if v.number == number {
			return v, nil
		}
	}
	return nil, errorf("InvalidLaunchTemplateId.VersionNotFound", "Could not find the specified version %s for the launch template with ID %s.", clip(label, 32), t.id)
}

func (c *Cloud) templateVersion(reference templateReference) (*templateVersion, error) {
	t, err := c.template(reference.ID, reference.Name)
	if err != nil {
		return nil, err
	}
	return t.version(reference.Version)
}

type createLaunchTemplateInput struct {
	Name        string             `query:"LaunchTemplateName"`
	Description string             `query:"VersionDescription"`
	Data        *LaunchSpec        `query:"LaunchTemplateData"`
	Tags        []TagSpecification `query:"TagSpecification"`
	ClientToken string             `query:"ClientToken"`
}

func (in *createLaunchTemplateInput) check() error {
	switch {
	case in.Name == "":
		return missingParameter("LaunchTemplateName")
	case !regexp.MustCompile(`^[a-zA-Z0-9().\-/_]{3,128}$`).MatchString(in.Name):
		return errorf("InvalidLaunchTemplateName.MalformedException", "Launch template name '%s' must be between 3 and 128 characters, and may contain letters, numbers, and the following characters: - ( ) . / _", clip(in.Name, 128))
	case in.Data == nil:
		return missingParameter("LaunchTemplateData")
	}
	if err := checkSpecifications(in.Tags, "launch-template"); err != nil {
		return err
	}
	_, err := decodeUserData(in.Data.UserData)
	return err
}

func (c *Cloud) createLaunchTemplate(call *call, in *createLaunchTemplateInput) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if use, err := c.replayed(call, ""); err != nil {
		return nil, err
	} else if use != nil {
		return c.templateReply(use.version.template), nil
	}
	if _, err := c.template("", in.Name); err == nil {
		return nil, errorf("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	t := &launchTemplate{name: in.Name, createdAt: call.now, defaultVersion: 1}
	t.resource = c.newResource(call, c.newID("lt"), "launch-template", tagsFor(in.Tags, "launch-template"))
	// Unlike instances, templates are there at once.
	t.visibleAt = call.now
	t.versions = []*templateVersion{{t, 1, in.Description, call.now, *in.Data}}
	c.templates = append(c.templates, t)
	c.resources.add(&t.resource)
	c.remember(call, "", tokenUse{version: t.versions[0]})
	return c.templateReply(t), nil
}

type createLaunchTemplateVersionInput struct {
	ID            string      `query:"LaunchTemplateId"`
	Name          string      `query:"LaunchTemplateName"`
	SourceVersion string      `query:"SourceVersion"`
	Description   string      `query:"VersionDescription"`
	Data          *LaunchSpec `query:"LaunchTemplateData"`
	ClientToken   string      `query:"ClientToken"`
}

func (c *Cloud) createLaunchTemplateVersion(call *call, in *createLaunchTemplateVersionInput) (any, error) {
	t, err := c.template(in.ID, in.Name)
	if err != nil {
		return nil, err
	}
	if in.Data == nil {
		return nil, missingParameter("LaunchTemplateData")
	}
	if _, err := decodeUserData(in.Data.UserData); err != nil {
		return nil, err
	}
	spec := *in.Data
	if in.SourceVersion != "" {
		source, err := t.version(in.SourceVersion)
		if err != nil {
			return nil, err
		}
		spec = source.spec.overlaid(spec)
	}
	if use, err := c.replayed(call, ""); err != nil {
		return nil, err
	} else if use != nil {
		return versionAnswer{c.versionReply(use.version)}, nil
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	v := &templateVersion{t, t.latest() + 1, in.Description, call.now, spec}
	t.versions = append(t.versions, v)
	c.remember(call, "", tokenUse{version: v})
	return versionAnswer{c.versionReply(v)}, nil
}

type modifyLaunchTemplateInput struct {
	ID             string `query:"LaunchTemplateId"`
	Name           string `query:"LaunchTemplateName"`
	DefaultVersion string `query:"SetDefaultVersion"`
	// ClientToken is accepted because the SDK sends one always; the call is idempotent without.
	ClientToken string `query:"ClientToken"`
}

func (c *Cloud) modifyLaunchTemplate(call *call, in *modifyLaunchTemplateInput) (any, error) {
	t, err := c.template(in.ID, in.Name)
	if err != nil {
		return nil, err
	}
	if in.DefaultVersion == "" {
		return nil, missingParameter("SetDefaultVersion")
	}
	v, err := t.version(in.DefaultVersion)
	if err != nil {
		return nil, err
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	t.defaultVersion = v.number
	return c.templateReply(t), nil
}

type deleteLaunchTemplateInput struct {
	ID   string `query:"LaunchTemplateId"`
	Name string `query:"LaunchTemplateName"`
}

func (c *Cloud) deleteLaunchTemplate(call *call, in *deleteLaunchTemplateInput) (any, error) {
	t, err := c.template(in.ID, in.Name)
	if err != nil {
		return nil, err
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	reply := c.templateReply(t)
	c.templates = slices.DeleteFunc(c.templates, func(each *launchTemplate) bool { return each == t })
	c.resources.drop(&t.resource)
	return reply, nil
}
