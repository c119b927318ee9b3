#include "admin/problem.hpp"

#include <cstdio>

#include <nlohmann/json.hpp>

namespace tidemark::admin
{
std::string problem_json(const Problem& problem)
{
    using Json = nlohmann::json;
    Json json = {{"status", problem.status}, {"title", problem.title}, {"detail", problem.detail}};
    if (!problem.field.empty()) json["field"] = problem.field;
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Response response_of(const Problem& problem)
{
    return {problem.status, "application/problem+json", problem_json(problem), {}};
}

std::string journal_text(std::uint64_t id)
{
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(id));
    return text;
}
} // namespace tidemark::admin
