#include "tests/support/daemon_process.hpp"

#include "tests/support/raw_client.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace tidemark::support
{
namespace
{
bench::Child spawn(const std::vector<std::string>& args, const std::string& out,
                   const std::string& err)
{
    bench::ChildCommand command;
    command.words.emplace_back(TIDEMARK_PROGRAM);
    command.words.insert(command.words.end(), args.begin(), args.end());
    command.out = out;
    command.err = err;
    // What ASan keeps of freed memory would hide whether the program's own is bounded.
    const char* const given = std::getenv("ASAN_OPTIONS");
    command.environment.push_back("ASAN_OPTIONS=quarantine_size_mb=4" +
                                  (given ? ":" + std::string(given) : std::string()));
    return bench::Child(command);
}

bool answers(const Endpoint& where)
{
    try {
        return Socket::connect(where).fd() >= 0;
    } catch (const std::exception&) {
        return false;
    }
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
    bench::Child child = spawn(args, dir.path("out"), dir.path("err"));
    if (!poll_until(deadline, [&] { return !child.running(); }))
        throw Timeout("tidemark " + (args.empty() ? std::string() : args.front()) + " to end");
    return {*child.exit_code(), text_of_file(dir.path("out")), text_of_file(dir.path("err"))};
}

void DaemonProcess::begin(std::vector<std::string> args, std::vector<Endpoint> listens)
{
    args_ = std::move(args);
    listens_ = std::move(listens);
    start();
}

DaemonProcess::~DaemonProcess()
{
    if (!judged_) end_and_judge();
}

void DaemonProcess::start()
{
    child_.reset();
    child_.emplace(spawn(args_, dir_.path("log"), dir_.path("log")));
    judged_ = false;
    try {
        wait_until_it_answers();
    } catch (...) {
        end_and_judge();
        judged_ = true;
        throw;
    }
}

void DaemonProcess::wait_until_it_answers()
{
    const bool there = poll_until(soon(), [&] {
        return !running() || std::all_of(listens_.begin(), listens_.end(), answers);
    });
    if (!running()) throw std::runtime_error("the " + args_[0] + " ended at once: " + log());
    if (!there) throw Timeout("the " + args_[0] + " to listen; its log: " + log());
}

void DaemonProcess::end_and_judge() noexcept
{
    try {
        signal(SIGTERM);
        signal(SIGCONT);
        if (!poll_until(soon(), [this] { return !running(); })) {
            child_->kill();
            BOOST_ERROR("the " + args_[0] + " did not end on SIGTERM");
        }
        const int code = child_->exit_code().value_or(-1);
        BOOST_CHECK_MESSAGE(code == 0, "the " << args_[0] << " ended with " << code
                                              << "; its log:\n"
                                              << log());
    } catch (const std::exception& error) {
        BOOST_ERROR(error.what());
    }
}

void DaemonProcess::kill()
{
    child_->kill();
    judged_ = true;
}

void DaemonProcess::stop()
{
    end_and_judge();
    judged_ = true;
}

void DaemonProcess::restart()
{
    stop();
    start();
}

void DaemonProcess::freeze()
{
    signal(SIGSTOP);
}

void DaemonProcess::thaw()
{
    signal(SIGCONT);
}

void DaemonProcess::signal(int number)
{
    child_->signal(number);
}

bool DaemonProcess::running()
{
    return child_->running();
}

int DaemonProcess::wait_for_exit(Deadline deadline)
{
    if (!poll_until(deadline, [this] { return !running(); }))
        throw Timeout("the " + args_[0] + " to end");
    return *child_->exit_code();
}

std::size_t DaemonProcess::resident_bytes() const
{
    std::ifstream statm("/proc/" + std::to_string(child_->pid()) + "/statm");
    std::size_t size_pages = 0;
    std::size_t resident_pages = 0;
    statm >> size_pages >> resident_pages;
    return resident_pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t DaemonProcess::open_descriptors() const
{
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& fd :
         std::filesystem::directory_iterator("/proc/" + std::to_string(child_->pid()) + "/fd"))
        ++count;
    return count;
}

std::string DaemonProcess::log() const
{
    return text_of_file(dir_.path("log"));
}

Message DaemonProcess::ask_admin(std::string_view method, std::string_view target,
                                 std::string_view body, Fields fields) const
{
    if (!body.empty()) fields.push_back({"Content-Type", "application/json"});
    return ask(admin(), method, target, fields, body);
}

std::string purge_body(std::string_view type, const std::vector<std::string>& selectors)
{
    std::string body = R"({"type":")" + std::string(type) + R"(")";
    if (!selectors.empty()) body += R"(,"selectors":)" + json_list(selectors);
    return body + "}";
}
} // namespace tidemark::support
