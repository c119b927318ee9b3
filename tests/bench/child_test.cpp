#include "bench/process/child.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace tidemark::bench;
using namespace std::chrono_literals;

namespace
{
struct Shell {
    explicit Shell(const std::string& script)
    {
        std::string name = "/tmp/tidemark-child-XXXXXX";
        ::close(::mkstemp(name.data()));
        out = name;
        command.words = {"/bin/sh", "-c", script};
        command.out = out;
        command.err = out;
    }
    ~Shell() { std::filesystem::remove(out); }
    [[nodiscard]] std::string text() const
    {
        std::ifstream file(out);
        std::ostringstream all;
        all << file.rdbuf();
        return all.str();
    }
    std::string out;
    ChildCommand command;
};
} // namespace

BOOST_AUTO_TEST_SUITE(child)

BOOST_AUTO_TEST_CASE(it_ends_with_its_own_code_or_with_its_signal)
{
    const Shell seven("exit 7");
    Child child(seven.command);
    BOOST_TEST(child.wait(20s));
    BOOST_TEST((child.exit_code() == 7));

    const Shell sleeper("sleep 60");
    Child asleep(sleeper.command);
    BOOST_TEST(asleep.running());
    asleep.signal(SIGTERM);
    BOOST_TEST(asleep.wait(20s));
    BOOST_TEST((asleep.exit_code() == 128 + SIGTERM));
}

BOOST_AUTO_TEST_CASE(output_and_environment_are_as_told)
{
    Shell shell("echo $COLOUR; echo $HOME >&2");
    shell.command.environment = {"COLOUR=red", "HOME=/nowhere"};
    Child child(shell.command);
    BOOST_TEST(child.wait(20s));
    BOOST_TEST(shell.text() == "red\n/nowhere\n");
}

BOOST_AUTO_TEST_CASE(it_does_not_inherit_blocked_signals)
{
    sigset_t term;
    sigset_t before;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &term, &before);
    const Shell sleeper("exec sleep 60");
    Child child(sleeper.command);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    child.signal(SIGTERM);
    BOOST_TEST(child.wait(20s));
}

BOOST_AUTO_TEST_CASE(nothing_of_it_is_left_when_it_goes_out_of_scope)
{
    const Shell sleeper("exec sleep 60");
    pid_t pid = -1;
    {
        const Child child(sleeper.command);
        pid = child.pid();
        BOOST_TEST(::kill(pid, 0) == 0);
    }
    BOOST_TEST(::kill(pid, 0) == -1);
}

BOOST_AUTO_TEST_CASE(a_program_that_is_not_there_ends_with_127)
{
    Shell shell("");
    shell.command.words = {"/nowhere/at/all"};
    Child child(shell.command);
    BOOST_TEST(child.wait(20s));
    BOOST_TEST((child.exit_code() == 127));
}

BOOST_AUTO_TEST_SUITE_END()
