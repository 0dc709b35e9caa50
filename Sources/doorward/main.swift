import Gateway
import Glibc

exit(Doorward.main(Array(CommandLine.arguments.dropFirst())))
