#include "tests/support/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include "tests/support/temp_dir.h"

namespace tailgate::test {
namespace {

std::vector<std::string> environment_with(const std::map<std::string, std::string>& more) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (!more.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [name, value] : more) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (auto& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Between fork and exec only what is safe after a fork of a process with threads.
[[noreturn]] void become(char* const* arguments, char* const* environment, int output, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent died before the line above
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(nothing, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  // Sockets of the test's own clients: held open here too, they would outlive their close.
  close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  execvpe(arguments[0], arguments, environment);
  const char* reason = std::strerror(errno);
  if (write(STDERR_FILENO, reason, std::strlen(reason)) < 0) _exit(126);
  _exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string>& command, const std::filesystem::path& output,
                 const std::map<std::string, std::string>& environment) {
  auto words = command;
  auto variables = environment_with(environment);
  const auto arguments = pointers_to(words);
  const auto variable_pointers = pointers_to(variables);
  const int file = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) throw std::runtime_error("cannot open " + output.string());
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(arguments.data(), variable_pointers.data(), file, parent);
  close(file);
  if (pid_ < 0) throw std::runtime_error("cannot fork for " + command.front());
}

Process::~Process() { kill_hard(); }

void Process::signal(int number) {
  if (is_running()) ::kill(pid_, number);
}

void Process::kill_hard() {
  if (exit_code()) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_code_ = 128 + SIGKILL;
}

std::optional<int> Process::exit_code() {
  int status = 0;
  if (!exit_code_ && waitpid(pid_, &status, WNOHANG) == pid_)
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

std::optional<int> Process::wait(Deadline deadline) {
  return eventually([&] { return exit_code().has_value(); }, deadline) ? exit_code() : std::nullopt;
}

std::set<std::string> thread_names(pid_t pid) {
  std::set<std::string> names;
  for (const auto& task : std::filesystem::directory_iterator{"/proc/" + std::to_string(pid) + "/task"}) {
    auto name = read_file(task.path() / "comm");
    while (name.ends_with('\n')) name.pop_back();
    names.insert(name);
  }
  return names;
}

std::string run(const std::vector<std::string>& command, const std::map<std::string, std::string>& environment) {
  const TempDir scratch;
  Process process{command, scratch / "output", environment};
  const auto code = process.wait(in(std::chrono::minutes{5}));
  process.kill_hard();
  auto output = read_file(scratch / "output");
  if (code != 0) throw std::runtime_error(command.front() + " failed: " + output);
  return output;
}

}  // namespace tailgate::test
