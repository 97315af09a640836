package awssim

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Image is a machine image that exists.
type Image struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// RootDevice defaults to /dev/xvda.
	RootDevice string `json:"rootDevice"`
	// Architecture is x86_64 or arm64, and must be the instance type's. Empty boots on any and is described as x86_64.
	Architecture string `json:"architecture"`
	// RootSizeGiB is the size of the root volume. Default 8.
	RootSizeGiB int `json:"rootSizeGiB"`
}

func (i Image) withDefaults() Image {
	setDefault(&i.Name, i.ID)
	setDefault(&i.RootDevice, "/dev/xvda")
	setDefault(&i.RootSizeGiB, 8)
	return i
}

// parameterPrefix marks an image ID that is the value of an SSM parameter.
const parameterPrefix = "resolve:ssm:"

// image finds an image by ID or by the SSM parameter that names it.
func (c *Cloud) image(id string) (Image, error) {
	if name, ok := strings.CutPrefix(id, parameterPrefix); ok {
		return c.imageOfParameter(name)
	}
	if !wellFormedID("ami", id) {
		return Image{}, errorf("InvalidAMIID.Malformed", "Invalid id: \"%s\" (expecting \"ami-...\")", clip(id, 64))
	}
	if image, ok := c.images[id]; ok {
		return image, nil
	}
	if c.options.StrictImages || slices.Contains(c.options.MissingImages, id) {
		return Image{}, errorf("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id)
	}
	return Image{ID: id}.withDefaults(), nil
}

func (c *Cloud) imageOfParameter(name string) (Image, error) {
	p, err := c.parameter(name)
	if err != nil {
		return Image{}, errorf("InvalidParameterValue", "The SSM parameter '%s' does not exist", clip(name, 256))
	}
	return c.image(p.Value)
}

// publicParameters is the path below which AWS keeps the parameters that name its own images.
const publicParameters = "/aws/"

func (c *Cloud) parameterValue(name string) (string, error) {
	if v, ok := c.options.Parameters[name]; ok {
		return v, nil
	}
	if !strings.HasPrefix(name, publicParameters) || c.options.StrictImages {
		return "", errorf("ParameterNotFound", "The parameter '%s' does not exist", clip(name, 256))
	}
	sum := sha256.Sum256([]byte(name))
	image := Image{ID: "ami-0" + hex.EncodeToString(sum[:8]), Name: name}
	for _, architecture := range []string{"arm64", "x86_64"} {
		if strings.Contains(name, architecture) {
			image.Architecture = architecture
		}
	}
	// From now on the image is also known by its ID.
	c.images[image.ID] = image.withDefaults()
	return image.ID, nil
}

type describeImagesInput struct {
	ImageIDs []string `query:"ImageId"`
	Owners   []string `query:"Owner"`
	Filters  []filter `query:"Filter"`
	pageInput
}

type imageReply struct {
	ID             string             `reply:"imageId"`
	Location       string             `reply:"imageLocation"`
	State          string             `reply:"imageState"`
	OwnerID        string             `reply:"imageOwnerId"`
	Public         bool               `reply:"isPublic"`
	Architecture   string             `reply:"architecture"`
	Type           string             `reply:"imageType"`
	Name           string             `reply:"name"`
	RootDeviceType string             `reply:"rootDeviceType"`
	RootDevice     string             `reply:"rootDeviceName"`
	BlockDevices   []imageDeviceReply `reply:"blockDeviceMapping"`
	Virtualization string             `reply:"virtualizationType"`
	Hypervisor     string             `reply:"hypervisor"`
}

type imageDeviceReply struct {
	Device string `reply:"deviceName"`
	Ebs    struct {
		DeleteOnTermination bool   `reply:"deleteOnTermination"`
		VolumeSize          int    `reply:"volumeSize"`
		VolumeType          string `reply:"volumeType"`
		Encrypted           bool   `reply:"encrypted"`
	} `reply:"ebs"`
}

type describeImagesReply struct {
	Images    []imageReply `reply:"imagesSet"`
	NextToken string       `reply:"nextToken,omitempty"`
}

func (i Image) describedArchitecture() string {
	if i.Architecture == "" {
		return "x86_64"
	}
	return i.Architecture
}

func imageFields() fields[Image] {
	return fields[Image]{
		"image-id":         one(func(i Image) string { return i.ID }),
		"name":             one(func(i Image) string { return i.Name }),
		"architecture":     one(Image.describedArchitecture),
		"root-device-name": one(func(i Image) string { return i.RootDevice }),
		"root-device-type": one(func(Image) string { return "ebs" }),
		"state":            one(func(Image) string { return "available" }),
	}
}

func (c *Cloud) describeImages(call *call, in *describeImagesInput) (any, error) {
	var images []Image
	for _, id := range in.ImageIDs {
		// Parameter names stand for images in launches only.
		image, err := c.image(strings.TrimPrefix(id, parameterPrefix))
		if err != nil {
			return nil, err
		}
		images = append(images, image)
	}
	if len(in.ImageIDs) == 0 {
		for _, known := range c.options.Images {
			images = append(images, known.withDefaults())
		}
	}
	match, err := compile(in.Filters, imageFields(), nil)
	if err != nil {
		return nil, err
	}
	page, err := in.page(call, 1, 1000)
	if err != nil {
		return nil, err
	}
	// All images here are the account's own.
	owned := len(in.Owners) == 0 || slices.Contains(in.Owners, "self") || slices.Contains(in.Owners, c.options.Account)
	var reply describeImagesReply
	for i, image := range images {
		if owned && match(image) && page.admit(i+1) {
			reply.Images = append(reply.Images, c.imageReply(image))
		}
	}
	reply.NextToken = page.next()
	return reply, nil
}

func (c *Cloud) imageReply(image Image) imageReply {
	device := imageDeviceReply{Device: image.RootDevice}
	device.Ebs.DeleteOnTermination = true
	device.Ebs.VolumeSize = image.RootSizeGiB
	device.Ebs.VolumeType = "gp3"
	return imageReply{
		ID: image.ID, Location: c.options.Account + "/" + image.Name, State: "available", OwnerID: c.options.Account,
		Architecture: image.describedArchitecture(), Type: "machine", Name: image.Name, RootDeviceType: "ebs",
		RootDevice: image.RootDevice, BlockDevices: []imageDeviceReply{device}, Virtualization: "hvm", Hypervisor: "xen",
	}
}
