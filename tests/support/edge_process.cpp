#include "tests/support/edge_process.hpp"

#include "tests/support/raw_client.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

namespace tidemark::support
{
namespace
{
// What ASan keeps of freed memory would hide whether the program's own is bounded.
std::vector<std::string> environment()
{
    constexpr std::string_view kName = "ASAN_OPTIONS=";
    std::vector<std::string> variables;
    std::string asan = std::string(kName) + "quarantine_size_mb=4";
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string_view text = *variable;
        if (text.starts_with(kName))
            asan += ":" + std::string(text.substr(kName.size()));
        else
            variables.emplace_back(text);
    }
    variables.push_back(asan);
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

pid_t spawn(const std::vector<std::string>& args, const std::string& out, const std::string& err)
{
    std::vector<std::string> words{TIDEMARK_PROGRAM};
    words.insert(words.end(), args.begin(), args.end());
    std::vector<std::string> variables = environment();
    const std::vector<char*> argv = pointers_to(words);
    const std::vector<char*> envp = pointers_to(variables);

    const pid_t pid = ::fork();
    if (pid < 0) throw std::runtime_error("fork failed");
    if (pid > 0) return pid;
    // The child: only what may be called between fork and exec in a program with threads.
    const int out_fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int err_fd = ::open(err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(out_fd, STDOUT_FILENO);
    ::dup2(err_fd, STDERR_FILENO);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
}

int exit_code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::optional<int> ended(pid_t pid)
{
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) != pid) return std::nullopt;
    return exit_code_of(status);
}

int kill_and_wait(pid_t pid)
{
    int status = 0;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
    return exit_code_of(status);
}

bool has_flag(const std::vector<std::string>& args, std::string_view name)
{
    return std::find(args.begin(), args.end(), name) != args.end();
}

std::string json_list(const std::vector<std::string>& texts)
{
    std::string list;
    for (const std::string& text : texts)
        list += (list.empty() ? "\"" : ",\"") + text + "\"";
    return "[" + list + "]";
}
} // namespace

ProgramResult run_tidemark(const std::vector<std::string>& args, Deadline deadline)
{
    const TempDir dir;
    const pid_t pid = spawn(args, dir.path("out"), dir.path("err"));
    std::optional<int> code;
    if (!poll_until(deadline, [&] { return (code = ended(pid)).has_value(); })) {
        kill_and_wait(pid);
        throw Timeout("tidemark " + (args.empty() ? std::string() : args.front()) + " to end");
    }
    return {*code, text_of_file(dir.path("out")), text_of_file(dir.path("err"))};
}

EdgeProcess::EdgeProcess(std::vector<std::string> args)
{
    args.insert(args.begin(), "edge");
    const auto add = [&](std::string_view flag, const std::string& value) {
        if (has_flag(args, flag)) return;
        args.emplace_back(flag);
        args.push_back(value);
    };
    // Where a test says --listen itself, ours is one more.
    args.emplace_back("--listen");
    args.push_back(at().listen_flag());
    add("--admin", admin().listen_flag());
    add("--workers", "2");
    add("--access-log", "off");
    start(args);
}

void EdgeProcess::start(const std::vector<std::string>& args)
{
    pid_ = spawn(args, dir_.path("log"), dir_.path("log"));
    try {
        wait_until_it_answers();
    } catch (...) {
        end_and_judge();
        throw;
    }
}

void EdgeProcess::wait_until_it_answers()
{
    const auto answers = [](const Endpoint& where) {
        try {
            return Socket::connect(where).fd() >= 0;
        } catch (const std::exception&) {
            return false;
        }
    };
    const bool there =
        poll_until(soon(), [&] { return !running() || (answers(at()) && answers(admin())); });
    if (!running()) throw std::runtime_error("the edge ended at once: " + log());
    if (!there) throw Timeout("the edge to listen; its log: " + log());
}

EdgeProcess::~EdgeProcess()
{
    end_and_judge();
}

void EdgeProcess::end_and_judge() noexcept
{
    if (pid_ < 0) return;
    try {
        if (running()) signal(SIGTERM);
        if (!poll_until(soon(), [this] { return !running(); })) {
            exit_code_ = kill_and_wait(pid_);
            BOOST_ERROR("the edge did not end on SIGTERM");
        }
        BOOST_CHECK_MESSAGE(*exit_code_ == 0, "the edge ended with " << *exit_code_
                                                                     << "; its log:\n"
                                                                     << log());
    } catch (const std::exception& error) {
        BOOST_ERROR(error.what());
    }
}

std::string EdgeProcess::url(std::string_view target) const
{
    return "http://" + at().authority() + std::string(target);
}

void EdgeProcess::signal(int number) const
{
    if (!exit_code_) ::kill(pid_, number);
}

bool EdgeProcess::running()
{
    if (!exit_code_) exit_code_ = ended(pid_);
    return !exit_code_;
}

int EdgeProcess::wait_for_exit(Deadline deadline)
{
    if (!poll_until(deadline, [this] { return !running(); })) throw Timeout("the edge to end");
    return *exit_code_;
}

std::size_t EdgeProcess::resident_bytes() const
{
    std::ifstream statm("/proc/" + std::to_string(pid_) + "/statm");
    std::size_t size_pages = 0;
    std::size_t resident_pages = 0;
    statm >> size_pages >> resident_pages;
    return resident_pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t EdgeProcess::open_descriptors() const
{
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& fd :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/fd"))
        ++count;
    return count;
}

std::string EdgeProcess::log() const
{
    return text_of_file(dir_.path("log"));
}

int EdgeProcess::purge(std::string_view type, const std::vector<std::string>& selectors) const
{
    std::string body = R"({"type":")" + std::string(type) + R"(")";
    if (!selectors.empty()) body += R"(,"selectors":)" + json_list(selectors);
    return ask_admin("POST", "/v1/purge", body + "}").status();
}

Message EdgeProcess::ask_admin(std::string_view method, std::string_view target,
                               std::string_view body) const
{
    Fields fields;
    if (!body.empty()) fields.push_back({"Content-Type", "application/json"});
    return ask(admin(), method, target, fields, body);
}
} // namespace tidemark::support
