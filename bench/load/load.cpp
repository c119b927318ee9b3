#include "bench/load/load.hpp"

#include "bench/load/generator.hpp"
#include "bench/load/report.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <thread>
#include <unistd.h>

namespace tidemark::bench
{
namespace
{
constexpr Nanos kProgressEvery = Seconds{1};
constexpr Nanos kConnectFirst = Millis{100}; // so that the first requests find connections

// SIGINT and SIGTERM as something to poll. Made before the threads, so that they inherit the
// blocked signals.
UniqueFd interrupts()
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return UniqueFd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

std::uint32_t share_of(std::uint32_t whole, std::uint32_t parts, std::uint32_t part)
{
    return whole / parts + (part < whole % parts ? 1 : 0);
}

// The threads of a run, and what they have reported so far.
class Run
{
  public:
    Run(const LoadOptions& options, const SocketAddress& server, const Targets& targets)
        : options_(options), begin_(read_clock() + kConnectFirst), boxes_(options.threads),
          finished_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
    {
        for (std::uint32_t i = 0; i < options.threads; ++i)
            threads_.emplace_back([this, plan = plan_of(i, server, targets), &box = boxes_[i]] {
                Generator(plan, box, stop_).run();
                eventfd_write(finished_.get(), 1);
            });
    }

    // Prints progress until all threads are done.
    void wait(const UniqueFd& interrupted)
    {
        MonoTime last = begin_;
        for (std::uint64_t done = 0; done < options_.threads;) {
            const MonoTime now = read_clock();
            if (now - last >= kProgressEvery) {
                print_progress(now, now - last);
                last = now;
            }
            done += wait_for_event(interrupted, last + kProgressEvery - read_clock());
        }
        for (std::jthread& thread : threads_)
            thread.join();
        collect();
    }

    [[nodiscard]] const Report& report() const noexcept { return total_; }
    [[nodiscard]] Nanos measured() const noexcept
    {
        return std::max(end_ - measure_from(), Nanos{0});
    }
    [[nodiscard]] Nanos elapsed() const noexcept
    {
        return std::max(measured(), total_.last_response() - measure_from());
    }

  private:
    [[nodiscard]] MonoTime measure_from() const noexcept { return begin_ + options_.warmup; }

    GeneratorPlan plan_of(std::uint32_t index, const SocketAddress& server,
                          const Targets& targets) const
    {
        return {.server = server,
                .targets = targets,
                .rate = options_.rate,
                .lane = {index, options_.threads},
                .connections = share_of(options_.connections, options_.threads, index),
                .pipeline = options_.pipeline,
                .begin = begin_,
                .measure_from = measure_from(),
                .end = end_,
                .timeout = options_.timeout,
                .seed = options_.seed};
    }

    // Returns how many threads have said that they are done.
    std::uint64_t wait_for_event(const UniqueFd& interrupted, Nanos at_most)
    {
        std::array<pollfd, 2> wanted{
            {{interrupted.get(), POLLIN, 0}, {finished_.get(), POLLIN, 0}}};
        const auto wait = std::chrono::ceil<Millis>(std::max(at_most, Nanos{0}));
        poll(wanted.data(), wanted.size(), static_cast<int>(wait.count()));
        if (signalfd_siginfo signal; wanted[0].revents != 0 &&
                                     read(interrupted.get(), &signal, sizeof signal) > 0 &&
                                     !stop_.exchange(true))
            end_ = std::min(end_, read_clock());
        eventfd_t done = 0;
        if (wanted[1].revents != 0) eventfd_read(finished_.get(), &done);
        return done;
    }

    Report collect()
    {
        Report latest;
        for (ReportBox& box : boxes_)
            box.take(latest);
        total_.merge(latest);
        return latest;
    }

    void print_progress(MonoTime now, Nanos took)
    {
        const Report latest = collect();
        if (options_.json) return;
        std::uint64_t waiting = 0;
        for (const ReportBox& box : boxes_)
            waiting += box.waiting();
        std::fprintf(stderr, "%s%s\n", progress_of(latest, took, now - begin_, waiting).c_str(),
                     now < measure_from() ? "   (warming up)" : "");
    }

    const LoadOptions& options_;
    MonoTime begin_;
    MonoTime end_ = begin_ + options_.warmup + options_.duration;
    std::vector<ReportBox> boxes_;
    std::atomic<bool> stop_{false};
    UniqueFd finished_;
    Report total_;
    std::vector<std::jthread> threads_; // last: they use the others
};

int refuse(const std::string& why)
{
    std::fprintf(stderr, "tidemark-bench load: %s\n", why.c_str());
    return 2;
}
} // namespace

int run_load(const LoadOptions& options)
{
    const auto targets =
        Targets::make(options.urls, options.fields, options.popularity, options.connect.empty());
    if (!targets) return refuse(targets.error());
    const auto where = options.connect.empty()
                           ? HostPort{targets->first().host, targets->first().port}
                           : parse_host_port(options.connect);
    if (!where) return refuse(where.error());
    const auto server = resolve(*where);
    if (!server) return refuse(server.error());

    const UniqueFd interrupted = interrupts();
    Run run(options, *server, *targets);
    run.wait(interrupted);

    const RunFacts facts{.rate = options.rate,
                         .connections = options.connections,
                         .threads = options.threads,
                         .pipeline = options.pipeline,
                         .measured = run.measured(),
                         .elapsed = run.elapsed()};
    std::printf("%s\n", options.json ? json_of(run.report(), facts).c_str()
                                     : summary_of(run.report(), facts).c_str());
    return run.report().failures() == 0 ? 0 : 1;
}
} // namespace tidemark::bench
