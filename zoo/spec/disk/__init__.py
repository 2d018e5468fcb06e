"""Reading and writing of files, as a disk, its system and whoever shares it allow."""
