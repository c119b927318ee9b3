#include "admin/control_api.hpp"

#include "admin/journal_json.hpp"
#include "admin/purge_request.hpp"
#include "admin/query.hpp"
#include "admin/upload.hpp"
#include "core/base/text.hpp"
#include "core/observe/log.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace tidemark::admin
{
namespace
{
using Json = nlohmann::json;
constexpr std::size_t kPageMax = 1000;
constexpr std::string_view kVersions = "/v1/versions/";
constexpr std::string_view kEdges = "/v1/edges/";

Response json(std::uint16_t status, const Json& body)
{
    return {status,
            "application/json",
            body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
            {}};
}

Response unavailable(std::string detail)
{
    Response response = response_of({503, "Nothing can be accepted now", std::move(detail), ""});
    response.fields.emplace_back("Retry-After", "5");
    return response;
}

Response answer_to(journal::AppendError error)
{
    using journal::AppendError;
    switch (error) {
    case AppendError::no_space:
        return unavailable("the journal has no room: the disk is full, or too much waits");
    case AppendError::io:
        return unavailable("the journal's disk fails");
    case AppendError::closed:
        return unavailable("this daemon is ending");
    case AppendError::key_used:
        return response_of({409, "The key stands for another order",
                            "an order with this key and other contents was accepted before",
                            "key"});
    case AppendError::invalid:
        break;
    }
    return response_of({400, "Invalid order", "the order cannot be written down", ""});
}

Problem no_parameters()
{
    return {400, "Invalid query", "a percent escape is broken", ""};
}

journal::Version last_of(const journal::Appended& appended)
{
    journal::Version last = 0;
    for (const auto& one : appended.drafts)
        last = std::max(last, one.version);
    return last;
}

bool erases(const purge::Message& message)
{
    const auto* purge = std::get_if<purge::Invalidate>(&message.body);
    return purge != nullptr && purge->erase;
}

// ---- GET /v1/journal

Result<journal::Query, Problem> query_of(const Parameters& parameters)
{
    if (auto unknown = parameters.unknown({"from", "to", "since", "until", "type", "selector",
                                           "url", "actor", "key", "order", "limit"}))
        return fail(*unknown);
    const auto wrong = [](const char* name, const char* detail) {
        return fail(Problem{400, "Invalid parameter", detail, name});
    };
    journal::Query query;
    const auto number = [&](const char* name, auto& into) {
        const std::string* text = parameters.find(name);
        const auto value =
            text == nullptr ? std::optional<std::uint64_t>(into) : parse_decimal(*text);
        if (value) into = *value;
        return value.has_value();
    };
    const auto time = [&](const char* name, std::optional<WallTime>& into) {
        const std::string* text = parameters.find(name);
        if (text != nullptr) into = time_from(*text);
        return text == nullptr || into.has_value();
    };
    if (!number("from", query.from)) return wrong("from", "expected a version");
    if (!number("to", query.to)) return wrong("to", "expected a version");
    if (!number("limit", query.limit) || query.limit == 0 || query.limit > kPageMax)
        return wrong("limit", "expected 1 to 1000");
    if (!time("since", query.since)) return wrong("since", "expected an RFC 3339 time");
    if (!time("until", query.until)) return wrong("until", "expected an RFC 3339 time");
    if (const std::string* type = parameters.find("type")) {
        query.scope = scope_of_type(*type);
        if (!query.scope) return wrong("type", "expected a type as in a purge");
    }
    const std::string order = parameters.text("order");
    if (!order.empty() && order != "newest" && order != "oldest")
        return wrong("order", "expected newest or oldest");
    query.newest_first = order == "newest";
    query.selector = parameters.text("selector");
    query.url = parameters.text("url");
    query.actor = parameters.text("actor");
    query.key = parameters.text("key");
    return query;
}

// ---- POST /v1/undo

Result<journal::Draft, Problem> undo_draft_of(std::string_view text)
{
    const auto wrong = [](std::string field, std::string detail) {
        return fail(Problem{400, "Invalid undo request", std::move(detail), std::move(field)});
    };
    const Json body = Json::parse(text, nullptr, false);
    if (body.is_discarded() || !body.is_object())
        return fail(Problem{400, "Not a JSON object", "the body must be one JSON object", ""});
    journal::Draft draft;
    for (const auto& [member, value] : body.items()) {
        if (member == "version") {
            if (!value.is_number_unsigned()) return wrong(member, "expected a version");
            draft.body = purge::Undo{value.get<journal::Version>()};
        } else if (member == "key" || member == "note") {
            if (!value.is_string()) return wrong(member, "must be a string");
            (member == "key" ? draft.key : draft.note) = value.get<std::string>();
        } else {
            return wrong(member, "unknown member \"" + member + "\"");
        }
    }
    if (!std::holds_alternative<purge::Undo>(draft.body))
        return wrong("version", "which version is to be undone?");
    if (draft.key.size() > purge::kKeyBytesMax) return wrong("key", "at most 255 bytes");
    if (draft.note.size() > purge::kNoteBytesMax) return wrong("note", "at most 1024 bytes");
    return draft;
}

std::optional<Problem> cannot_undo(const purge::Message& message, WallTime now, Seconds window)
{
    const auto conflict = [](std::string detail) {
        return Problem{409, "Cannot be undone", std::move(detail), "version"};
    };
    if (!std::holds_alternative<purge::Invalidate>(message.body))
        return conflict("only purges can be undone");
    if (erases(message)) return conflict("its bytes are erased");
    if (now - message.issued_at >= window)
        return conflict("it is older than " + std::to_string(window.count()) + " seconds");
    return std::nullopt;
}
} // namespace

ControlApi::ControlApi(net::Loop& loop, Authority& authority, Pages pages,
                       const ApiSettings& settings)
    : loop_(loop), authority_(authority), pages_(std::move(pages)), settings_(settings),
      rate_(settings.versions_per_second), deadline_(loop, [this] { progress(); })
{
}
ControlApi::~ControlApi() = default;

void ControlApi::close()
{
    deadline_.stop();
    waiting_.clear();
    alive_.reset();
}

// ---- routes

std::unique_ptr<BodySink> ControlApi::on_head(const Request& request, const Responder& responder)
{
    const bool pushes = request.path == "/v1/content" && request.method == http::Method::put;
    return pushes ? content(request, responder) : nullptr;
}

void ControlApi::handle(Request request, Responder responder)
{
    const http::Method method = request.method;
    const std::string& path = request.path;
    const auto route = [&](bool allowed, const char* allow, auto call) {
        if (allowed)
            (this->*call)(request, responder);
        else
            responder.answer(method_not_allowed(allow));
    };
    if (!alive_) return responder.answer(answer_to(journal::AppendError::closed));
    if (const Page* page = pages_.find(path)) return responder.answer(pages_.show(*page, request));
    if (path == "/v1/purge") return route(method == http::Method::post, "POST", &ControlApi::purge);
    if (path == "/v1/undo") return route(method == http::Method::post, "POST", &ControlApi::undo);
    if (path == "/v1/content") return responder.answer(method_not_allowed("PUT"));
    if (path == "/v1/journal") return route(reads(method), "GET, HEAD", &ControlApi::audit);
    if (path == "/v1/edges") return route(reads(method), "GET, HEAD", &ControlApi::edges);
    if (path.starts_with(kVersions)) return route(reads(method), "GET, HEAD", &ControlApi::version);
    if (path.starts_with(kEdges))
        return route(method == http::Method::delete_, "DELETE", &ControlApi::remove_edge);
    responder.answer(pages_.not_found("/v1/purge, /v1/undo, /v1/content, /v1/versions/{version}, "
                                      "/v1/edges and /v1/journal"));
}

// ---- what makes versions

void ControlApi::purge(const Request& request, const Responder& responder)
{
    auto admitted = admitted_purge(pages_, request, settings_.selectors_max);
    if (!admitted) {
        if (admitted.error().status == 422) ++counters_.too_many_selectors;
        return responder.answer(std::move(admitted.error()));
    }
    const auto parameters = Parameters::parse(request.query);
    if (!parameters) return responder.answer(response_of(no_parameters()));
    if (const auto unknown = parameters->unknown({"wait", "timeout"}))
        return responder.answer(response_of(*unknown));
    const auto wait = wait_of(request.field("prefer"), *parameters);
    if (!wait) return responder.answer(response_of(wait.error()));
    if (!admitted->dry_run) {
        const bool erases = admitted->erases();
        return submit(std::move(admitted->drafts), {responder, *wait, erases});
    }
    authority_.would_hit(admitted->drafts,
                         [responder, messages = admitted->drafts.size()](const auto& hits) {
                             responder.answer(dry_run_answer(messages, hits));
                         });
}

void ControlApi::undo(const Request& request, const Responder& responder)
{
    const auto grant = pages_.admit(request);
    if (!grant) return responder.answer(refusal(grant.error()));
    const auto parameters = Parameters::parse(request.query);
    if (!parameters) return responder.answer(response_of(no_parameters()));
    const auto wait = wait_of(request.field("prefer"), *parameters);
    if (!wait) return responder.answer(response_of(wait.error()));
    auto draft = undo_draft_of(request.body);
    if (!draft) return responder.answer(response_of(draft.error()));
    draft->actor = grant->actor();
    journal::Query query;
    query.from = query.to = std::get<purge::Undo>(draft->body).undone;
    query.limit = 1;
    const Asked asked{responder, *wait, false};
    authority_.search(query, [this, alive = std::weak_ptr(alive_), draft = std::move(*draft),
                              grant = *grant,
                              asked](Result<journal::Found, journal::AppendError> found) {
        if (alive.expired()) return;
        if (!found) return asked.responder.answer(answer_to(found.error()));
        const bool held =
            !found->messages.empty() && found->messages.front().version > authority_.base();
        if (!held)
            return asked.responder.answer(response_of(
                {404, "No such version",
                 "the journal holds no such message, or only in its snapshot", "version"}));
        undo_found(found->messages.front(), draft, grant, asked);
    });
}

void ControlApi::undo_found(const purge::Message& message, journal::Draft draft, const Grant& grant,
                            Asked asked)
{
    // Whoever may not order it may not take it back.
    journal::Draft same;
    same.site = message.site;
    same.body = message.body;
    if (const auto problem = grant.refuses(same)) return asked.responder.answer(refusal(*problem));
    if (const auto problem = cannot_undo(message, loop_.wall(), settings_.undo_window))
        return asked.responder.answer(response_of(*problem));
    draft.site = message.site;
    submit({std::move(draft)}, std::move(asked));
}

std::unique_ptr<BodySink> ControlApi::content(const Request& request, const Responder& responder)
{
    const auto refuse = [&](const Response& response) {
        responder.answer(response);
        return nullptr;
    };
    const auto grant = pages_.admit(request);
    if (!grant) return refuse(refusal(grant.error()));
    const auto parameters = Parameters::parse(request.query);
    if (!parameters) return refuse(response_of(no_parameters()));
    if (const auto unknown =
            parameters->unknown({"url", "as_of", "key", "note", "site", "wait", "timeout"}))
        return refuse(response_of(*unknown));
    const auto wait = wait_of(request.field("prefer"), *parameters);
    if (!wait) return refuse(response_of(wait.error()));
    auto order = content_order_of(*parameters);
    if (!order) return refuse(response_of(order.error()));
    order->draft.actor = grant->actor();
    if (const auto problem = grant->refuses(order->draft)) return refuse(refusal(*problem));
    // RFC 9110 §14.4: a part cannot stand for the whole.
    if (!request.field("content-range").empty())
        return refuse(response_of({400, "Not the whole", "a part cannot be put", "Content-Range"}));
    if (!alive_) return refuse(answer_to(journal::AppendError::closed));
    if (slows_down(1, responder)) return nullptr;
    auto upload = authority_.begin_upload();
    if (!upload)
        return refuse(response_of({501, "No pushes here", "nothing can be pushed from here", ""}));
    return upload_sink(std::move(upload), std::move(*order), content_head_of(request), responder,
                       submitted({responder, *wait, false}));
}

// True: answered; so many versions are too many now.
bool ControlApi::slows_down(std::size_t versions, const Responder& responder)
{
    const auto wait = rate_.take(versions, loop_.mono());
    if (!wait) return false;
    ++counters_.too_fast;
    Response response =
        response_of({429, "Too many versions",
                     "at most " + std::to_string(settings_.versions_per_second) + " a second", ""});
    response.fields.emplace_back("Retry-After", std::to_string(wait->count()));
    responder.answer(std::move(response));
    return true;
}

void ControlApi::submit(std::vector<journal::Draft> drafts, Asked asked)
{
    if (slows_down(drafts.size(), asked.responder)) return;
    authority_.submit(std::move(drafts), submitted(std::move(asked)));
}

Authority::Submitted ControlApi::submitted(Asked asked)
{
    return [this, alive = std::weak_ptr(alive_),
            asked = std::move(asked)](Result<journal::Appended, journal::AppendError> appended) {
        if (alive.expired()) return;
        if (!appended) return asked.responder.answer(answer_to(appended.error()));
        accepted(asked, std::move(*appended));
    };
}

void ControlApi::accepted(Asked asked, journal::Appended appended)
{
    // One that applies at once says so: whoever does not wait has nothing to wait for.
    if (!asked.wait && authority_.applies_at_once()) asked.wait = Wait{};
    if (!asked.wait) {
        const auto report = authority_.report(last_of(appended), asked.needs_ack);
        return asked.responder.answer(result(appended, report, 202, false));
    }
    appended.records.clear();
    Waiting waiting{std::move(asked), std::move(appended), {}};
    waiting.deadline = loop_.mono() + waiting.asked.wait->timeout;
    const bool full = waiting_.size() >= settings_.waiting_max;
    if (settle(waiting, full ? waiting.deadline : loop_.mono())) return;
    waiting_.push_back(std::move(waiting));
    set_timer();
}

Response ControlApi::result(const journal::Appended& appended, const purge::VersionReport& report,
                            std::uint16_t status, bool name_missing) const
{
    const Version last = last_of(appended);
    Json body = {{"version", last},
                 {"journal", journal_text(authority_.journal_id())},
                 {"edges", {{"registered", report.edges.size()}, {"clean", report.clean()}}},
                 {"token", authority_.read_token(last)}};
    if (appended.drafts.size() > 1)
        for (const auto& one : appended.drafts)
            body["versions"].push_back(one.version);
    if (std::all_of(appended.drafts.begin(), appended.drafts.end(),
                    [](const auto& one) { return one.repeated; }))
        body["repeated"] = true;
    if (name_missing) {
        body["missing"] = Json::array();
        for (const purge::EdgeOnVersion& edge : report.edges)
            if (edge.clean == purge::CleanBy::nothing) body["missing"].push_back(edge.name);
    }
    return json(status, body);
}

// Edges apply in any order: who has the last of a batch may still lack another.
void ControlApi::join_others(purge::VersionReport& report, const Waiting& waiting) const
{
    for (const auto& one : waiting.appended.drafts)
        if (one.version != report.version)
            report.join(authority_.report(one.version, waiting.asked.needs_ack));
}

// True: answered, or nobody waits any more.
bool ControlApi::settle(Waiting& waiting, MonoTime now)
{
    const Responder& responder = waiting.asked.responder;
    if (responder.over()) return true;
    auto report = authority_.report(last_of(waiting.appended), waiting.asked.needs_ack);
    if (waiting.asked.wait->met(report) || now >= waiting.deadline) join_others(report, waiting);
    const bool met = waiting.asked.wait->met(report);
    if (!met && now < waiting.deadline) return false;
    responder.answer(result(waiting.appended, report, met ? 200 : 202, !met));
    return true;
}

void ControlApi::progress()
{
    // An answer may let a connection go on to its next request, which may come to wait here.
    std::list<Waiting> now;
    now.swap(waiting_);
    for (auto next = now.begin(); next != now.end();)
        next = settle(*next, loop_.mono()) ? now.erase(next) : std::next(next);
    waiting_.splice(waiting_.begin(), now);
    set_timer();
}

void ControlApi::set_timer()
{
    if (waiting_.empty()) return deadline_.stop();
    const auto first =
        std::min_element(waiting_.begin(), waiting_.end(),
                         [](const auto& a, const auto& b) { return a.deadline < b.deadline; });
    const Nanos left = std::max(first->deadline - loop_.mono(), Nanos{0});
    deadline_.start(std::chrono::ceil<Millis>(left) + Millis{1});
}

// ---- what only looks

void ControlApi::version(const Request& request, const Responder& responder)
{
    const auto grant = pages_.admit(request, TokenScope::read);
    if (!grant) return responder.answer(refusal(grant.error()));
    const auto version = parse_decimal(std::string_view(request.path).substr(kVersions.size()));
    if (!version || *version == 0 || *version > authority_.mark())
        return responder.answer(
            response_of({404, "No such version",
                         "the versions are 1 to " + std::to_string(authority_.mark()), "version"}));
    journal::Query query;
    query.from = query.to = *version;
    query.limit = 1;
    authority_.search(query, [this, alive = std::weak_ptr(alive_), responder, version = *version](
                                 Result<journal::Found, journal::AppendError> found) {
        if (alive.expired()) return;
        const bool held = found && !found->messages.empty();
        const bool needs_ack = held && erases(found->messages.front());
        Json body = json_of(authority_.report(version, needs_ack));
        body["journal"] = journal_text(authority_.journal_id());
        if (held) body["message"] = json_of(found->messages.front());
        responder.answer(json(200, body));
    });
}

void ControlApi::edges(const Request& request, const Responder& responder)
{
    const auto grant = pages_.admit(request, TokenScope::read);
    if (!grant) return responder.answer(refusal(grant.error()));
    Json list = Json::array();
    for (const purge::EdgeReport& edge : authority_.edges())
        list.push_back(json_of(edge));
    responder.answer(json(200, {{"journal", journal_text(authority_.journal_id())},
                                {"mark", authority_.mark()},
                                {"edges", std::move(list)}}));
}

void ControlApi::remove_edge(const Request& request, const Responder& responder)
{
    using Removed = purge::EdgeRegistry::RemoveResult;
    const auto grant = pages_.admit(request, TokenScope::purge_all);
    if (!grant) return responder.answer(refusal(grant.error()));
    const auto parameters = Parameters::parse(request.query);
    const auto named = Parameters::parse("name=" + request.path.substr(kEdges.size()));
    if (!parameters || !named) return responder.answer(response_of(no_parameters()));
    if (const auto unknown = parameters->unknown({"force"}))
        return responder.answer(response_of(*unknown));
    const std::string name = named->text("name");
    const bool force = parameters->text("force") == "true";
    switch (authority_.remove_edge(name, force)) {
    case Removed::removed:
        log::warn("edge \"{}\" is removed by \"{}\"{}", name, grant->actor(),
                  force ? ", by force" : "");
        return responder.answer(json(200, {{"name", name}, {"removed", true}}));
    case Removed::unknown:
        return responder.answer(
            response_of({404, "No such edge", "no edge of this name is registered", "name"}));
    case Removed::needs_force:
        return responder.answer(response_of(
            {409, "It may still be serving",
             "its policy lets it serve without a lease; with force=true you say that it is gone",
             "force"}));
    }
}

void ControlApi::audit(const Request& request, const Responder& responder)
{
    const auto grant = pages_.admit(request, TokenScope::read);
    if (!grant) return responder.answer(refusal(grant.error()));
    const auto parameters = Parameters::parse(request.query);
    if (!parameters) return responder.answer(response_of(no_parameters()));
    auto query = query_of(*parameters);
    if (!query) return responder.answer(response_of(query.error()));
    authority_.search(std::move(*query), [this, alive = std::weak_ptr(alive_), responder](
                                             Result<journal::Found, journal::AppendError> found) {
        if (alive.expired()) return;
        if (!found) return responder.answer(answer_to(found.error()));
        Json messages = Json::array();
        for (const purge::Message& message : found->messages)
            messages.push_back(json_of(message));
        Json body = {{"journal", journal_text(authority_.journal_id())},
                     {"base", authority_.base()},
                     {"mark", authority_.mark()},
                     {"messages", std::move(messages)}};
        if (found->next) body["next"] = *found->next;
        responder.answer(json(200, body));
    });
}
} // namespace tidemark::admin
