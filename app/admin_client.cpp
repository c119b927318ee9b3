#include "app/admin_client.hpp"

#include "app/admin_http.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>
#include <unistd.h>
#include <utility>

// The one file of the commands that pays for it.
#include <nlohmann/json.hpp>

namespace tidemark::app
{
namespace
{
using Json = nlohmann::json;

constexpr int kFailed = 1;
constexpr int kNotClean = 3;
constexpr Seconds kWaitUnlessSaid{30};
constexpr Millis kLookAgain{100};
constexpr Seconds kWatchEvery{1};

int unreachable(const AdminEndpoint& admin, const std::string& why)
{
    std::fprintf(stderr, "tidemark: no answer from the admin endpoint %s: %s\n",
                 config::text_of(admin.address).c_str(), why.c_str());
    return kFailed;
}

// What a problem document says, or the body as it is.
int refused(const AdminAnswer& answer)
{
    const Json problem = Json::parse(answer.body, nullptr, false);
    std::string detail = answer.body;
    if (problem.is_object()) {
        detail = problem.value("detail", problem.value("title", answer.body));
        if (const std::string field = problem.value("field", std::string()); !field.empty())
            detail += " (" + field + ")";
    }
    std::fprintf(stderr, "tidemark: refused (%d): %s\n", answer.status, detail.c_str());
    return kFailed;
}

std::string percent_encoded(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr("-._~", c) != nullptr) {
            out += c;
            continue;
        }
        char hex[4];
        std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned char>(c));
        out += hex;
    }
    return out;
}

// ---- Waiting until edges are clean

struct Standing {
    std::uint64_t registered = 0;
    std::uint64_t clean = 0;
    std::vector<std::string> missing;
    [[nodiscard]] bool reached(std::uint32_t percent) const
    {
        return clean * 100 >= registered * percent;
    }
};

std::string joined(const std::vector<std::string>& names)
{
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text;
}

Result<Standing, std::string> standing_of(const AdminEndpoint& admin, std::uint64_t version)
{
    AdminRequest request;
    request.target = "/v1/versions/" + std::to_string(version);
    const auto answer = ask(admin, request);
    if (!answer) return fail(answer.error());
    const Json report = Json::parse(answer->body, nullptr, false);
    if (answer->status != 200 || !report.is_object())
        return fail("/v1/versions answered " + std::to_string(answer->status));
    Standing standing;
    for (const Json& edge : report.value("edges", Json::array())) {
        ++standing.registered;
        if (edge.value("clean", false))
            ++standing.clean;
        else
            standing.missing.push_back(edge.value("name", std::string("?")));
    }
    return standing;
}

// On a terminal one line that changes; elsewhere nothing.
class ProgressLine
{
  public:
    ~ProgressLine() { clear(); }
    void clear()
    {
        if (std::exchange(shown_, false)) std::fputs("\r\x1b[K", stderr);
    }
    void show(std::uint64_t version, const Standing& standing)
    {
        if (isatty(STDERR_FILENO) == 0) return;
        shown_ = true;
        std::fprintf(stderr, "\r\x1b[Kversion %llu: %llu of %llu edge(s) clean%s%s",
                     static_cast<unsigned long long>(version),
                     static_cast<unsigned long long>(standing.clean),
                     static_cast<unsigned long long>(standing.registered),
                     standing.missing.empty() ? "" : ", waiting for ",
                     joined(standing.missing).c_str());
    }

  private:
    bool shown_ = false;
};

int say_standing(const char* what, std::uint64_t version, const Standing& standing, bool reached)
{
    std::printf("%s: version %llu, %llu of %llu edge(s) clean\n", what,
                static_cast<unsigned long long>(version),
                static_cast<unsigned long long>(standing.clean),
                static_cast<unsigned long long>(standing.registered));
    if (reached) return 0;
    std::printf("not clean in time: %s\n", joined(standing.missing).c_str());
    return kNotClean;
}

int wait_for(const AdminEndpoint& admin, const char* what, std::uint64_t version, const Wait& wait)
{
    const auto until = std::chrono::steady_clock::now() + wait.timeout.value_or(kWaitUnlessSaid);
    ProgressLine line;
    for (;;) {
        const auto standing = standing_of(admin, version);
        if (!standing) return unreachable(admin, standing.error());
        const bool reached = standing->reached(wait.percent);
        if (reached || std::chrono::steady_clock::now() >= until) {
            line.clear();
            return say_standing(what, version, *standing, reached);
        }
        line.show(version, *standing);
        std::this_thread::sleep_for(kLookAgain);
    }
}

// What a purge, push or undo was answered.
int follow_up(const AdminEndpoint& admin, const char* what, const AdminAnswer& answer,
              const std::optional<Wait>& wait)
{
    if (answer.status != 200 && answer.status != 202) return refused(answer);
    const Json reply = Json::parse(answer.body, nullptr, false);
    if (!reply.is_object() || !reply.contains("version"))
        return unreachable(admin, "its answer is not what a purge is answered with");
    const std::uint64_t version = reply.value("version", std::uint64_t{0});
    if (wait && answer.status == 202) return wait_for(admin, what, version, *wait);
    const Json edges = reply.value("edges", Json::object());
    Standing standing;
    standing.registered = edges.value("registered", std::uint64_t{0});
    standing.clean = edges.value("clean", std::uint64_t{0});
    return say_standing(answer.status == 200 ? what : "accepted", version, standing, true);
}

// ---- purge, undo

Json body_of(const PurgeCommand& command)
{
    static constexpr std::array kTypes = {"uri", "group", "uri-prefix", "host", "pattern", "all"};
    Json body = {{"type", kTypes[static_cast<std::size_t>(command.scope)]}};
    if (command.scope != PurgeScope::all) body["selectors"] = command.selectors;
    if (command.mode == PurgeMode::soft) body["mode"] = "soft";
    if (command.mode == PurgeMode::refresh) body["mode"] = "refresh";
    if (command.mode == PurgeMode::erase) body["purge"] = true;
    if (command.max_stale) body["max_stale"] = command.max_stale->count();
    if (command.key) body["key"] = *command.key;
    if (command.note) body["note"] = *command.note;
    if (command.dry_run) body["dry_run"] = true;
    return body;
}

AdminRequest json_request(std::string target, const Json& body)
{
    AdminRequest request;
    request.method = "POST";
    request.target = std::move(target);
    request.fields = {{"Content-Type", "application/json"}};
    request.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
    return request;
}
} // namespace

int run_purge(const PurgeCommand& command)
{
    const auto answer = ask(command.admin, json_request("/v1/purge", body_of(command)));
    if (!answer) return unreachable(command.admin, answer.error());
    if (!command.dry_run) return follow_up(command.admin, "purged", *answer, command.wait);
    if (answer->status != 200) return refused(*answer);
    std::fputs(answer->body.c_str(), stdout);
    return 0;
}

int run_undo(const UndoCommand& command)
{
    const auto answer =
        ask(command.admin, json_request("/v1/undo", {{"version", command.version}}));
    if (!answer) return unreachable(command.admin, answer.error());
    return follow_up(command.admin, "undone", *answer, std::nullopt);
}

// ---- push

int run_push(const PushCommand& command)
{
    std::FILE* file = command.file == "-" ? stdin : std::fopen(command.file.c_str(), "rb");
    if (file == nullptr) {
        std::fprintf(stderr, "tidemark: %s: %s\n", command.file.c_str(), std::strerror(errno));
        return kFailed;
    }
    AdminRequest request;
    request.method = "PUT";
    request.target = "/v1/content?url=" + percent_encoded(command.url);
    if (command.as_of) request.target += "&as_of=" + std::to_string(*command.as_of);
    for (const auto& [name, value] : command.headers)
        request.fields.emplace_back("Tidemark-Header-" + name, value);
    request.answer_within = Seconds{120};
    std::array<char, 64 * 1024> buffer{};
    request.pieces = [&]() -> std::string_view {
        return {buffer.data(), std::fread(buffer.data(), 1, buffer.size(), file)};
    };
    const auto answer = ask(command.admin, request);
    const bool broken = std::ferror(file) != 0;
    if (file != stdin) std::fclose(file);
    if (broken) {
        std::fprintf(stderr, "tidemark: %s could not be read to its end\n", command.file.c_str());
        return kFailed;
    }
    if (!answer) return unreachable(command.admin, answer.error());
    return follow_up(command.admin, "pushed", *answer, command.wait);
}

// ---- status

namespace
{
Result<Json, std::string> get_json(const AdminEndpoint& admin, std::string target)
{
    AdminRequest request;
    request.target = std::move(target);
    const auto answer = ask(admin, request);
    if (!answer) return fail(answer.error());
    Json body = Json::parse(answer->body, nullptr, false);
    if (answer->status != 200 || !body.is_object())
        return fail(request.target + " answered " + std::to_string(answer->status));
    return body;
}

void append_line(std::string& out, const char* label, const std::string& value)
{
    char line[256];
    std::snprintf(line, sizeof line, "%-14s %s\n", label, value.c_str());
    out += line;
}

std::string journal_line(const Json& status)
{
    const Json journal = status.value("journal", Json::object());
    return journal.value("id", std::string("?")) +
           (journal.value("durable", false) ? "" : " (in memory: lost on restart)");
}

std::string edge_row(const Json& edge, std::uint64_t mark)
{
    const std::uint64_t version = edge.value("contiguous", std::uint64_t{0});
    const char* state = edge.value("connected", false) ? "linked" : "away";
    if (edge.value("leaving", false)) state = "leaving";
    char row[256];
    std::snprintf(row, sizeof row, "%-20s %-8s %12llu %10llu %7.1f %%  %s\n",
                  edge.value("name", std::string("?")).c_str(), state,
                  static_cast<unsigned long long>(version),
                  static_cast<unsigned long long>(mark > version ? mark - version : 0),
                  edge.value("loss", 0.0) * 100, edge.value("adrift", std::string()).c_str());
    return row;
}

std::string origin_page(const Json& status, const Json& edges)
{
    const Json journal = status.value("journal", Json::object());
    const std::uint64_t mark = journal.value("version", std::uint64_t{0});
    std::string page;
    append_line(page, "role", "origin, tidemark " + status.value("version", std::string()));
    append_line(page, "journal", journal_line(status));
    append_line(page, "version", std::to_string(mark));
    append_line(page, "digest", journal.value("digest", std::string()));
    page += "\n";
    char head[256];
    std::snprintf(head, sizeof head, "%-20s %-8s %12s %10s %9s  %s\n", "edge", "link", "version",
                  "behind", "loss", "adrift");
    page += head;
    for (const Json& edge : edges.value("edges", Json::array()))
        page += edge_row(edge, mark);
    return page;
}

std::string edge_page(const Json& status)
{
    const Json purge = status.value("purge", Json::object());
    const Json memory = status.value("memory", Json::object());
    std::string page;
    append_line(page, "role",
                status.value("role", std::string("edge")) + " \"" +
                    status.value("name", std::string()) + "\", tidemark " +
                    status.value("version", std::string()));
    append_line(page, "journal", journal_line(status));
    append_line(page, "version", std::to_string(purge.value("version", std::uint64_t{0})));
    if (status.contains("origin")) {
        const Json origin = status["origin"];
        append_line(page, "origin",
                    origin.value("address", std::string()) +
                        (origin.value("linked", false) ? ", linked" : ", not linked") +
                        (origin.value("in_sync", false) ? ", in sync" : ", ADRIFT"));
    }
    char ratio[32];
    std::snprintf(ratio, sizeof ratio, "%.1f %%", status.value("hit_ratio", 0.0) * 100);
    append_line(page, "hit ratio", ratio);
    append_line(page, "requests", std::to_string(status.value("requests", std::uint64_t{0})));
    append_line(page, "connections", std::to_string(status.value("connections", std::uint64_t{0})));
    append_line(page, "stored",
                std::to_string(memory.value("responses", std::uint64_t{0})) + " responses, " +
                    std::to_string(memory.value("stored_bytes", std::uint64_t{0}) >> 20) + " of " +
                    std::to_string(memory.value("budget_bytes", std::uint64_t{0}) >> 20) + " MiB");
    return page;
}

Result<std::string, std::string> page_of(const StatusCommand& command)
{
    const auto status = get_json(command.admin, "/v1/status");
    if (!status) return fail(status.error());
    const bool origin = status->value("role", std::string()) == "origin";
    Json edges;
    if (origin) {
        auto listed = get_json(command.admin, "/v1/edges");
        if (!listed) return fail(listed.error());
        edges = *std::move(listed);
    }
    if (!command.json) return origin ? origin_page(*status, edges) : edge_page(*status);
    Json all = *status;
    if (origin) all["edges"] = edges.value("edges", Json::array());
    return all.dump(command.watch ? -1 : 2) + "\n";
}
} // namespace

int run_status(const StatusCommand& command)
{
    const bool clear = command.watch && !command.json && isatty(STDOUT_FILENO) != 0;
    for (;;) {
        const auto page = page_of(command);
        if (!page && !command.watch) return unreachable(command.admin, page.error());
        if (clear) std::fputs("\x1b[H\x1b[2J", stdout);
        std::fputs(page ? page->c_str() : ("no answer: " + page.error() + "\n").c_str(), stdout);
        std::fflush(stdout);
        if (!command.watch || std::ferror(stdout) != 0) return 0;
        std::this_thread::sleep_for(kWatchEvery);
    }
}
} // namespace tidemark::app
