#include "program.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tidemark::bench
{
Program::Program(const std::vector<std::string>& command)
{
    int ends[2];
    BOOST_TEST_REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    std::vector<char*> words;
    for (const std::string& word : command)
        words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    const int failed = posix_spawn(&pid_, words[0], &actions, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    out_ = ends[0];
    BOOST_TEST_REQUIRE(failed == 0);
}

Program::~Program()
{
    terminate();
    close(out_);
}

std::string Program::read_line()
{
    std::string line;
    for (char c = 0; read(out_, &c, 1) == 1 && c != '\n';)
        line.push_back(c);
    return line;
}

std::string Program::read_all()
{
    std::string all;
    char buffer[4096];
    for (ssize_t got = 0; (got = read(out_, buffer, sizeof buffer)) > 0;)
        all.append(buffer, static_cast<std::size_t>(got));
    return all;
}

int Program::exit_code()
{
    int status = 0;
    BOOST_TEST_REQUIRE(waitpid(pid_, &status, 0) == pid_);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void Program::terminate() noexcept
{
    if (pid_ <= 0) return;
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

ServerProgram::ServerProgram(std::vector<std::string> command)
    : program_([&] {
          command.insert(command.end(), {"--listen", "127.0.0.1:0"});
          return command;
      }())
{
    const std::string prefix = "listening on ";
    const std::string line = program_.read_line();
    BOOST_TEST_REQUIRE(line.substr(0, prefix.size()) == prefix);
    address_ = line.substr(prefix.size());
}
} // namespace tidemark::bench
