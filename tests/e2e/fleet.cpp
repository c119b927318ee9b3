#include "tests/e2e/fleet.hpp"

#include <boost/test/unit_test.hpp>
#include <mutex>
#include <sstream>

#include <nlohmann/json.hpp>

namespace tidemark::e2e
{
namespace
{
constexpr int kWaitSeconds = 25;
constexpr std::size_t kTagBytesMax = 64;

std::vector<std::string> certificate_names(const FleetPlan& plan)
{
    std::vector<std::string> names = plan.more_certificates;
    for (const EdgePlan& edge : plan.edges)
        names.push_back(edge.name);
    return names;
}

std::string replaced(std::string text, std::string_view mark, const std::string& by)
{
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += by.size())
        text.replace(at, mark.size(), by);
    return text;
}

// The member of the edge that the client asked (RFC 9211 §2: each appends its own).
std::string last_member(const Message& answer)
{
    const std::string all = answer.value("Cache-Status");
    const std::size_t comma = all.rfind(", ");
    return (comma == std::string::npos ? all : all.substr(comma + 2)) + ";";
}
} // namespace

std::string json_at(std::string_view json, const std::string& pointer)
{
    const auto body = nlohmann::json::parse(json, nullptr, false);
    const nlohmann::json::json_pointer where(pointer);
    if (body.is_discarded() || !body.contains(where)) return {};
    const auto& value = body.at(where);
    return value.is_string() ? value.get<std::string>() : value.dump();
}

std::uint64_t number_at(std::string_view json, const std::string& pointer)
{
    const std::string text = json_at(json, pointer);
    if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos)
        throw std::runtime_error("no number at " + pointer + " of " + std::string(json));
    return std::stoull(text);
}

std::string page_url(std::string_view target)
{
    return "http://" + std::string(kHost) + std::string(target);
}

std::string purge_of(std::string_view target)
{
    return purge_body("uri", {page_url(target)});
}

double metric(const DaemonProcess& daemon, std::string_view name)
{
    std::istringstream page(daemon.ask_admin("GET", "/metrics").body);
    double sum = 0;
    for (std::string line; std::getline(page, line);)
        if (line.starts_with(name) && line.find_first_of(" {") == name.size())
            sum += std::stod(line.substr(line.rfind(' ') + 1));
    return sum;
}

bool from_store(const Message& answer)
{
    return last_member(answer).find("; hit;") != std::string::npos;
}

std::string detail_of(const Message& answer)
{
    constexpr std::string_view kKey = "; detail=";
    const std::string member = last_member(answer);
    const std::size_t at = member.find(kKey);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + kKey.size();
    return member.substr(begin, member.find(';', begin) - begin);
}

// ---- Page

struct Page::State {
    std::mutex mutex;
    std::string text;
    Fields fields;
    Gate* gate = nullptr;
    std::chrono::milliseconds at_most{0};
};

Page::Page(FakeOrigin& app, std::string target, Fields fields, std::string text)
    : app_(app), target_(std::move(target)), state_(std::make_shared<State>())
{
    state_->text = std::move(text);
    state_->fields = std::move(fields);
    app_.on(target_, [state = state_](Exchange& x) {
        std::unique_lock lock(state->mutex);
        const std::string now = state->text;
        Fields answered = state->fields;
        Gate* const gate = std::exchange(state->gate, nullptr);
        const auto at_most = state->at_most;
        lock.unlock();
        const std::string etag = "\"" + now.substr(0, kTagBytesMax) + "\"";
        const bool same = x.request().value("If-None-Match") == etag;
        answered.push_back({"ETag", etag});
        if (gate != nullptr) static_cast<void>(gate->wait(soon(at_most)));
        if (same)
            x.answer(304, answered);
        else
            x.answer(200, answered, now);
    });
}

void Page::write(std::string text)
{
    const std::lock_guard lock(state_->mutex);
    state_->text = std::move(text);
}

void Page::hold_next(std::chrono::milliseconds at_most)
{
    held_ = &app_.gate();
    const std::lock_guard lock(state_->mutex);
    state_->gate = held_;
    state_->at_most = at_most;
}

void Page::wait_until_held() const
{
    held_->wait_for_arrivals(1);
}

void Page::release() const
{
    held_->open();
}

// ---- Fleet

Fleet::Fleet(FleetPlan plan) : origin(certificate_names(plan), plan.origin_flags)
{
    if (plan.relayed) {
        plan.relay.doors = plan.edges.size();
        relay_ = std::make_unique<bench::Relay>(origin.link().port, plan.relay);
        for (const EdgePlan& edge : plan.edges)
            doors_.emplace(edge.name, doors_.size());
    }
    for (const EdgePlan& edge : plan.edges)
        add(edge);
    wait_until_all_in_sync();
}

Fleet::~Fleet()
{
    app.open_gates();
    edges_.clear();
    for (const std::string& complaint : app.complaints())
        BOOST_ERROR("at the app: " << complaint);
}

void Fleet::add(const EdgePlan& plan)
{
    std::vector<std::string> flags = plan.flags;
    if (plan.site.empty()) {
        flags.insert(flags.end(), {"--upstream", app.url()});
    } else {
        flags.insert(flags.end(), {"--config", dir.write(plan.name + ".toml", config_of(plan))});
    }
    const auto at = doors_.find(plan.name);
    const std::uint16_t through = at == doors_.end() ? std::uint16_t{0} : relay_->port(at->second);
    edges_[plan.name] = std::make_unique<EdgeProcess>(origin.flags_for(plan.name, flags, through));
}

std::string Fleet::config_of(const EdgePlan& plan) const
{
    std::string site = replaced(plan.site, "APP", app.url());
    for (const auto& [name, edge] : edges_)
        site = replaced(std::move(site), "EDGE(" + name + ")", edge->at().upstream_url());
    return "[[site]]\n" + site + "\n";
}

Message Fleet::get(const std::string& name, std::string_view target, Fields fields) const
{
    fields.push_back({"Host", std::string(kHost)});
    return support::get(edge(name).at(), target, fields);
}

void Fleet::send_get(RawClient& client, std::string_view target) const
{
    client.send_request("GET", target, {{"Host", std::string(kHost)}});
}

std::string Fleet::bodies(std::string_view target) const
{
    std::string all;
    for (const auto& [name, edge] : edges_)
        all += (all.empty() ? "" : "/") + get(name, target).body;
    return all;
}

Message Fleet::purge_everywhere(std::string_view body) const
{
    Message answer = origin.purge(body, kWaitSeconds);
    BOOST_REQUIRE_MESSAGE(answer.status() == 200, answer.status() << ": " << answer.body);
    return answer;
}

std::uint64_t Fleet::purge_now(std::string_view body) const
{
    const Message answer = origin.purge(body);
    BOOST_REQUIRE_MESSAGE(answer.status() == 202, answer.status() << ": " << answer.body);
    return version_in(answer);
}

std::string Fleet::report(std::uint64_t version) const
{
    return origin.ask_admin("GET", "/v1/versions/" + std::to_string(version)).body;
}

void Fleet::wait_until_applied(const std::string& name, std::uint64_t version) const
{
    std::string seen;
    const bool there = poll_until(soon(), [&] {
        const std::string body = origin.ask_admin("GET", "/v1/edges").body;
        for (int i = 0;; ++i) {
            const std::string at = "/edges/" + std::to_string(i);
            const std::string found = json_at(body, at + "/name");
            if (found.empty()) return false;
            if (found != name) continue;
            seen = json_at(body, at);
            return number_at(body, at + "/contiguous") >= version;
        }
    });
    if (!there) throw Timeout(name + " to apply " + std::to_string(version) + "; " + seen);
}

void Fleet::wait_until_in_sync(const std::string& name, bool in_sync) const
{
    std::string seen;
    const bool there = poll_until(soon(), [&] {
        seen = edge(name).ask_admin("GET", "/v1/status").body;
        return json_at(seen, "/origin/in_sync") == (in_sync ? "true" : "false");
    });
    if (!there) throw Timeout(name + (in_sync ? " to be" : " not to be") + " in sync; " + seen);
}

void Fleet::wait_until_all_in_sync() const
{
    for (const auto& [name, edge] : edges_)
        wait_until_in_sync(name);
}
} // namespace tidemark::e2e
