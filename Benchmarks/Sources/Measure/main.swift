// Runs one command and writes its exit status, wall time, processor time and peak memory to a file:
//
//   measure RESULT OUTPUT COMMAND [ARGUMENT…]
//
// The command's standard output goes to OUTPUT ("-": ours). It imports no Foundation, to stay small: a child's peak
// memory is never reported below that of the process that started it.

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

func fail(_ message: String) -> Never {
  let text = "measure: error: \(message)\n"
  _ = write(2, text, text.utf8.count)
  exit(127)
}

func seconds(_ time: timeval) -> Double {
  Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000
}

func now() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
}

let arguments = CommandLine.arguments
guard arguments.count > 3 else { fail("usage: measure RESULT OUTPUT COMMAND [ARGUMENT…]") }

#if canImport(Darwin)
  var actions: posix_spawn_file_actions_t?
#else
  var actions = posix_spawn_file_actions_t()
#endif
posix_spawn_file_actions_init(&actions)
if arguments[2] != "-" {
  posix_spawn_file_actions_addopen(&actions, 1, arguments[2], O_WRONLY | O_CREAT | O_TRUNC, 0o644)
}
var command: [UnsafeMutablePointer<CChar>?] = arguments.dropFirst(3).map { strdup($0) }
command.append(nil)

var child: pid_t = 0
let start = now()
let spawned = posix_spawnp(&child, arguments[3], &actions, nil, command, environ)
guard spawned == 0 else { fail("cannot run \(arguments[3]): \(String(cString: strerror(spawned)))") }
var status: Int32 = 0
var usage = rusage()
while wait4(child, &status, 0, &usage) < 0 {
  guard errno == EINTR else { fail("wait4: \(String(cString: strerror(errno)))") }
}
let wall = now() - start
#if canImport(Darwin)
  let peak = Int(usage.ru_maxrss)
#else
  let peak = Int(usage.ru_maxrss) * 1024
#endif
// The low seven bits are the signal that ended it, the next eight its exit status.
let result = status & 0x7f != 0 ? 128 + status & 0x7f : (status >> 8) & 0xff
guard let file = fopen(arguments[1], "w") else { fail("cannot write \(arguments[1])") }
fputs("\(result) \(wall) \(seconds(usage.ru_utime) + seconds(usage.ru_stime)) \(peak)\n", file)
fclose(file)
