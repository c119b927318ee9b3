#include "bench/command_line.hpp"

#include "core/base/text.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <fstream>
#include <numeric>

namespace tidemark::bench
{
namespace
{
constexpr std::uint32_t kConnectionsMax = 100'000;
constexpr std::uint32_t kThreadsMax = 256;
constexpr std::uint32_t kPipelineMax = 1024;
constexpr double kRateMax = 1e8;
constexpr std::uint32_t kEdgesMax = 200;
constexpr std::uint32_t kPurgesMax = 100'000;
constexpr double kPurgeRateMax = 1'000;
constexpr std::uint64_t kBacklogMax = 100'000'000;
constexpr std::uint64_t kFloorBodyBytesMax = 16 * 1024 * 1024;

constexpr const char* kLoadHelp =
    R"(
--rate R sends R requests a second, whatever the server does; latency counts
from the moment a request was due, so a stall is not hidden. --max instead keeps
every connection busy, to find the limit and the cost of a request.)";

constexpr const char* kLoadExamples = R"(
Examples:
  tidemark-bench load --url http://127.0.0.1:8080/ --rate 5000 --duration 30s
  tidemark-bench load --url 'http://127.0.0.1:8080/o/{}' --zipf 100000,0.9 --rate 20000 --warmup 10s
  tidemark-bench load --urls urls.txt --connect 127.0.0.1:8080 --max --connections 256 --json

Exit code: 0 every request was answered, 1 some were not, 2 the run could not begin.)";

constexpr const char* kPurgeExamples = R"(
Examples:
  tidemark-bench purge --loss 10 --delay 20ms
  tidemark-bench purge --suite --json purge.json
  tidemark-bench purge --throughput
  tidemark-bench purge --partition --delay 20ms

Everything runs on loopback: certificates, an origin, edges with one worker each, a site, and the
network between origin and edges, which does to datagrams what is asked for. Streams have its delay
and lose nothing. The loss is not told to anybody.

Exit code: 0 every edge became clean in time and served nothing old, 1 not so, 2 it could not begin
or was interrupted.)";

std::size_t edit_distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
        }
    }
    return row.back();
}

std::vector<std::string> names_in(const CLI::App& app)
{
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options())
        for (const std::string& name : option->get_lnames())
            names.push_back("--" + name);
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(command->get_name());
    return names;
}

// "unknown: --conections (did you mean --connections?)"
std::string unknown_text(const CLI::App& app, std::string_view word)
{
    constexpr std::size_t kFarthest = 3;
    const std::string_view name = word.substr(0, word.find('='));
    std::string nearest;
    std::size_t least = kFarthest + 1;
    for (const std::string& candidate : names_in(app)) {
        const std::size_t distance = edit_distance(name, candidate);
        if (distance >= least) continue;
        least = distance;
        nearest = candidate;
    }
    std::string text = "unknown: " + std::string(name);
    if (!nearest.empty()) text += " (did you mean " + nearest + "?)";
    return text;
}

Result<std::vector<std::string>, std::string> read_urls(const std::string& path)
{
    std::ifstream file(path);
    if (!file) return fail("cannot read " + path);
    std::vector<std::string> urls;
    for (std::string line; std::getline(file, line);) {
        const std::string_view url =
            trim(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line);
        if (!url.empty() && url.front() != '#') urls.emplace_back(url);
    }
    if (file.bad() || urls.empty()) return fail(path + " has no URL in it");
    return urls;
}

// CLI11's range check, without its range in every line of the help.
template <class T> CLI::Validator within(T least, T most)
{
    return CLI::Validator(CLI::Range(least, most)).description("");
}

// Texts that are more than CLI11 understands; load_options() makes them values.
struct LoadTexts {
    std::string url_file;
    std::string zipf;
    std::string duration = "10s";
    std::string warmup = "0s";
    std::string timeout = "10s";
    bool maximum = false;
};

void describe_load(CLI::App& app, LoadOptions& options, LoadTexts& texts)
{
    const std::string what = "What to ask for";
    app.add_option("--url", options.urls, "A URL, http only; repeat it for several, asked in turn")
        ->type_name("URL")
        ->allow_extra_args(false)
        ->group(what);
    app.add_option("--urls", texts.url_file, "A file of URLs, one a line; # begins a comment")
        ->type_name("FILE")
        ->group(what);
    app.add_option(
           "--zipf", texts.zipf,
           "Draw a number 1..N for the {} in the URL's path, number k as often as 1/k^ALPHA")
        ->type_name("N,ALPHA")
        ->group(what);
    app.add_option("--header", options.fields, "A field to send, 'Name: value'; repeatable")
        ->type_name("FIELD")
        ->allow_extra_args(false)
        ->group(what);
    app.add_option("--connect", options.connect,
                   "Connect here instead of to the URL's host, which still names the site")
        ->type_name("ADDR:PORT")
        ->group(what);

    const std::string how = "How much";
    app.add_option("--rate", options.rate, "Requests a second over all threads; 0 means --max")
        ->check(within(0.0, kRateMax))
        ->type_name("R")
        ->group(how);
    app.add_flag("--max", texts.maximum, "As fast as answers come (a closed loop)")->group(how);
    app.add_option("--connections", options.connections, "Keep-alive connections, default 64")
        ->check(within(std::uint32_t{1}, kConnectionsMax))
        ->type_name("N")
        ->group(how);
    app.add_option("--pipeline", options.pipeline,
                   "With --max: requests in flight on each connection, default 1")
        ->check(within(std::uint32_t{1}, kPipelineMax))
        ->type_name("K")
        ->group(how);
    app.add_option("--threads", options.threads, "Threads, each with its share, default 1")
        ->check(within(std::uint32_t{1}, kThreadsMax))
        ->type_name("T")
        ->group(how);
    app.add_option("--duration", texts.duration, "How long requests are counted, default 10s")
        ->type_name("TIME")
        ->group(how);
    app.add_option("--warmup", texts.warmup, "How long they are sent before that, default 0s")
        ->type_name("TIME")
        ->group(how);
    app.add_option("--timeout", texts.timeout,
                   "Give up an answer this long after sending, default 10s")
        ->type_name("TIME")
        ->group(how);
    app.add_option("--seed", options.seed, "Of what is drawn, default 1")
        ->type_name("NUMBER")
        ->group(how);

    app.add_flag("--json", options.json, "Print the results as JSON and no progress")
        ->group("Output");
    app.footer(std::string(kLoadHelp) + "\n" + kLoadExamples);
}

Result<LoadOptions, std::string> load_options(const CLI::App& app, LoadOptions options,
                                              const LoadTexts& texts)
{
    if (app.count("--rate") == 0 && !texts.maximum)
        return fail(std::string("say how much: --rate R, or --max"));
    if (options.rate > 0 && texts.maximum)
        return fail(std::string("--rate and --max exclude each other"));
    if (options.rate > 0 && options.pipeline > 1)
        return fail(std::string("--pipeline goes with --max: at a given rate one request at a time "
                                "is in flight on a connection"));
    if (options.connections < options.threads)
        return fail(std::string("each thread needs a connection: --connections is less than "
                                "--threads"));
    if (options.urls.empty() == texts.url_file.empty())
        return fail(std::string("say what to ask for: --url URL, or --urls FILE"));
    if (!texts.url_file.empty()) {
        auto urls = read_urls(texts.url_file);
        if (!urls) return fail(std::move(urls.error()));
        options.urls = std::move(*urls);
    }
    if (!texts.zipf.empty()) {
        const auto popularity = parse_popularity(texts.zipf);
        if (!popularity) return fail("--zipf: " + popularity.error());
        options.popularity = *popularity;
    }
    const std::pair<const std::string*, Nanos*> durations[] = {{&texts.duration, &options.duration},
                                                               {&texts.warmup, &options.warmup},
                                                               {&texts.timeout, &options.timeout}};
    for (const auto& [text, value] : durations) {
        const auto parsed = parse_duration(*text);
        if (!parsed) return fail(parsed.error());
        *value = *parsed;
    }
    if (options.duration == Nanos{0} || options.timeout == Nanos{0})
        return fail(std::string("--duration and --timeout must be more than 0"));
    return options;
}

void describe_floor(CLI::App& app, FloorOptions& options)
{
    app.add_option("--listen", options.listen, "Where to serve; port 0 takes any free one")
        ->type_name("ADDR:PORT");
    app.add_option("--body-bytes", options.body_bytes, "Size of every answer's body, default 1024")
        ->check(within(std::uint64_t{0}, kFloorBodyBytesMax))
        ->type_name("N");
}

struct PurgeTexts {
    double loss_percent = 0;
    double duplicate_percent = 0;
    std::string burst = "0ms";
    std::string delay = "10ms";
    std::string jitter = "0ms";
    std::string duration = "5s";
    bool suite = false;
    bool throughput = false;
    bool partition = false;
};

void describe_purge(CLI::App& app, PurgeOptions& options, PurgeTexts& texts)
{
    const std::string what = "What to measure; alone: one level of loss";
    app.add_flag("--suite", texts.suite, "0, 1, 10, 30, 50 % loss, then 1, 10, 30, 50 % in bursts")
        ->group(what);
    app.add_flag("--throughput", texts.throughput,
                 "Durable purges a second, and how fast one edge applies a backlog")
        ->group(what);
    app.add_flag("--partition", texts.partition,
                 "How fast an edge that missed a backlog is in sync")
        ->group(what);

    const std::string network = "The network between origin and edges, each way";
    app.add_option("--loss", texts.loss_percent, "Percent of datagrams lost, default 0")
        ->check(within(0.0, 100.0))
        ->type_name("P")
        ->group(network);
    app.add_option("--burst", texts.burst,
                   "Lose them in bursts of that mean length, default 0: each for itself")
        ->type_name("TIME")
        ->group(network);
    app.add_option("--delay", texts.delay, "One way, streams too, default 10ms")
        ->type_name("TIME")
        ->group(network);
    app.add_option("--jitter", texts.jitter, "At most so much more for a datagram, default 0")
        ->type_name("TIME")
        ->group(network);
    app.add_option("--duplicate", texts.duplicate_percent,
                   "Percent of datagrams that arrive twice, default 0")
        ->check(within(0.0, 100.0))
        ->type_name("P")
        ->group(network);

    const std::string how = "How much";
    app.add_option("--edges", options.edges, "Edge processes, default 20")
        ->check(within(std::uint32_t{1}, kEdgesMax))
        ->type_name("N")
        ->group(how);
    app.add_option("--purges", options.purges,
                   "Of each level, and half as many with wait=all; default 200")
        ->check(within(std::uint32_t{1}, kPurgesMax))
        ->type_name("N")
        ->group(how);
    app.add_option("--rate", options.rate, "Purges a second, default 20")
        ->check(within(0.1, kPurgeRateMax))
        ->type_name("R")
        ->group(how);
    app.add_option("--backlog", options.backlog,
                   "Versions of --throughput and --partition, default 1000000")
        ->check(within(std::uint64_t{1}, kBacklogMax))
        ->type_name("N")
        ->group(how);
    app.add_option("--duration", texts.duration, "Of each part of --throughput, default 5s")
        ->type_name("TIME")
        ->group(how);
    app.add_option("--seed", options.seed, "Of what is drawn, default 1")
        ->type_name("NUMBER")
        ->group(how);

    app.add_option("--json", options.json, "Write the results to a file too; - prints them instead")
        ->type_name("FILE")
        ->group("Output");
    app.add_option("--program", options.program, "The tidemark to run, default the one beside this")
        ->type_name("FILE")
        ->group("Output");
    app.footer(kPurgeExamples);
}

Result<PurgeOptions, std::string> purge_options(PurgeOptions options, const PurgeTexts& texts)
{
    if (texts.suite + texts.throughput + texts.partition > 1)
        return fail(std::string("--suite, --throughput and --partition exclude each other"));
    if (texts.suite) options.run = PurgeRun::suite;
    if (texts.throughput) options.run = PurgeRun::throughput;
    if (texts.partition) options.run = PurgeRun::partition;
    options.loss = texts.loss_percent / 100;
    options.duplicate = texts.duplicate_percent / 100;
    const std::pair<const std::string*, Nanos*> durations[] = {
        {&texts.burst, &options.burst},
        {&texts.delay, &options.delay},
        {&texts.jitter, &options.jitter},
        {&texts.duration, &options.duration}};
    for (const auto& [text, value] : durations) {
        const auto parsed = parse_duration(*text);
        if (!parsed) return fail(parsed.error());
        *value = *parsed;
    }
    if (options.duration == Nanos{0}) return fail(std::string("--duration must be more than 0"));
    return options;
}

CommandLineEnd wrong(const std::string& command, const std::string& why)
{
    return {2, command + ": " + why + "\nTry: " + command + " --help\n"};
}
} // namespace

Result<Nanos, std::string> parse_duration(std::string_view text)
{
    const auto bad = [&] {
        return fail("'" + std::string(text) + "' is not a time, as in 250ms, 10s, 1.5s or 2m");
    };
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return bad();
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    double seconds = number;
    if (unit == "ms")
        seconds = number / 1000;
    else if (unit == "m")
        seconds = number * 60;
    else if (!unit.empty() && unit != "s")
        return bad();
    constexpr double kDay = 86'400;
    if (!(seconds >= 0 && seconds <= kDay)) return bad();
    return Nanos{static_cast<std::int64_t>(seconds * 1e9)};
}

Command parse_command_line(int argc, const char* const* argv)
{
    CLI::App app("Load testing and comparison tools of Tidemark", "tidemark-bench");
    app.set_version_flag("--version", "tidemark-bench " TIDEMARK_VERSION);

    LoadOptions load;
    LoadTexts texts;
    CLI::App* const load_app = app.add_subcommand(
        "load", "Load an HTTP/1.1 server and report what its clients would have seen");
    describe_load(*load_app, load, texts);

    FloorOptions floor;
    CLI::App* const floor_app = app.add_subcommand(
        "floor",
        "Serve fixed bytes with nothing done for them: what other servers are held against");
    describe_floor(*floor_app, floor);

    PurgeOptions purge;
    PurgeTexts purge_texts;
    CLI::App* const purge_app =
        app.add_subcommand("purge", "Measure how fast purges reach many edges over a bad network");
    describe_purge(*purge_app, purge, purge_texts);

    const auto chosen = [&]() -> const CLI::App* {
        if (load_app->parsed()) return load_app;
        if (purge_app->parsed()) return purge_app;
        return floor_app->parsed() ? floor_app : nullptr;
    };
    const auto name = [&] {
        const CLI::App* command = chosen();
        return "tidemark-bench" + (command ? " " + command->get_name() : std::string());
    };
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        return CommandLineEnd{0, chosen() ? chosen()->help("tidemark-bench") : app.help()};
    } catch (const CLI::CallForVersion& version) {
        return CommandLineEnd{0, std::string(version.what()) + "\n"};
    } catch (const CLI::ParseError& error) {
        const auto extras = app.remaining(true);
        const CLI::App& command = chosen() ? *chosen() : app;
        return wrong(name(), extras.empty() ? error.what() : unknown_text(command, extras.front()));
    }
    if (load_app->parsed()) {
        auto options = load_options(*load_app, std::move(load), texts);
        if (!options) return wrong(name(), options.error());
        return std::move(*options);
    }
    if (purge_app->parsed()) {
        auto options = purge_options(std::move(purge), purge_texts);
        if (!options) return wrong(name(), options.error());
        return std::move(*options);
    }
    if (!floor_app->parsed()) return CommandLineEnd{2, app.help()};
    if (floor.listen.empty()) return wrong(name(), "say where to serve: --listen ADDR:PORT");
    return floor;
}
} // namespace tidemark::bench
