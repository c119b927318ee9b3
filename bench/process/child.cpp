#include "bench/process/child.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace tidemark::bench
{
namespace
{
std::string_view name_of_variable(std::string_view variable)
{
    return variable.substr(0, variable.find('='));
}

std::vector<std::string> environment_with(const std::vector<std::string>& ours)
{
    std::vector<std::string> variables = ours;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string_view name = name_of_variable(*variable);
        const bool replaced = std::any_of(ours.begin(), ours.end(), [&](const std::string& one) {
            return name_of_variable(one) == name;
        });
        if (!replaced) variables.emplace_back(*variable);
    }
    return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts)
{
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts)
        pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

int exit_code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
} // namespace

Child::Child(const ChildCommand& command)
{
    std::vector<std::string> words = command.words;
    std::vector<std::string> variables = environment_with(command.environment);
    const std::vector<char*> argv = pointers_to(words);
    const std::vector<char*> envp = pointers_to(variables);
    const pid_t parent = ::getpid();

    pid_ = ::fork();
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ > 0) return;
    // The child: only what may be called between fork and exec in a program with threads.
    if (command.dies_with_thread) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (command.dies_with_thread && ::getppid() != parent) ::_exit(127);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND;
    const int out_fd = ::open(command.out.c_str(), kFlags, 0600);
    const int err_fd = ::open(command.err.c_str(), kFlags, 0600);
    ::dup2(out_fd, STDOUT_FILENO);
    ::dup2(err_fd, STDERR_FILENO);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), exit_code_(other.exit_code_)
{
}

Child::~Child()
{
    kill();
}

std::optional<int> Child::exit_code()
{
    int status = 0;
    if (!exit_code_ && pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_)
        exit_code_ = exit_code_of(status);
    return exit_code_;
}

bool Child::running()
{
    return pid_ > 0 && !exit_code();
}

void Child::signal(int number) noexcept
{
    if (pid_ > 0 && !exit_code_) ::kill(pid_, number);
}

bool Child::wait(std::chrono::milliseconds patience)
{
    constexpr int kPauseMs = 2;
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (running()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        ::poll(nullptr, 0, kPauseMs);
    }
    return true;
}

int Child::kill() noexcept
{
    if (pid_ <= 0) return -1;
    if (!exit_code_) {
        int status = 0;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, &status, 0);
        exit_code_ = exit_code_of(status);
    }
    return *exit_code_;
}
} // namespace tidemark::bench
