"""Networks of image-to-image translation: CycleGAN's and pix2pix'."""
