module sessiongate-upstream-go

go 1.19
