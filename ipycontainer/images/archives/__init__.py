"""Archives of images, as docker, podman, skopeo and others write them."""
