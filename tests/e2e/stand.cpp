#include "tests/e2e/stand.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

namespace tidemark::e2e
{
namespace
{
std::vector<std::string> joined(std::vector<std::string> flags,
                                const std::vector<std::string>& more)
{
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
}

std::string with_origin(std::string toml, const std::string& url)
{
    constexpr std::string_view kMark = "ORIGIN";
    for (std::size_t at = 0; (at = toml.find(kMark, at)) != std::string::npos; at += url.size())
        toml.replace(at, kMark.size(), url);
    return toml;
}
} // namespace

Stand::Stand(const std::vector<std::string>& flags, Family family)
    : origin(family, dir.path("origin.sock")),
      edge_(std::make_unique<EdgeProcess>(
          joined({"--upstream", origin.url(), "--name", "edge-1"}, flags)))
{
}

Stand::Stand(FromConfig, std::string toml)
{
    write_config(std::move(toml));
    edge_ = std::make_unique<EdgeProcess>(
        std::vector<std::string>{"--config", dir.path("edge.toml"), "--name", "edge-1"});
}

std::unique_ptr<Stand> Stand::with_config(std::string toml)
{
    return std::unique_ptr<Stand>(new Stand(FromConfig{}, std::move(toml)));
}

Stand::~Stand()
{
    origin.open_gates();
    edge_.reset();
    for (const std::string& complaint : origin.complaints())
        BOOST_ERROR("at the origin: " << complaint);
}

void Stand::write_config(std::string toml) const
{
    [[maybe_unused]] const auto path =
        dir.write("edge.toml", with_origin(std::move(toml), origin.url()));
}

Message Stand::get(std::string_view target, const Fields& fields) const
{
    return support::get(edge_->at(), target, fields);
}

Message Stand::ask(std::string_view method, std::string_view target, const Fields& fields,
                   std::string_view body) const
{
    return support::ask(edge_->at(), method, target, fields, body);
}

namespace
{
// The parameters of the member that names the edge; ours is the last one it could have added.
std::string own_status(const Message& answer)
{
    const std::string all = answer.value("Cache-Status");
    const std::size_t at = all.rfind("edge-1");
    return at == std::string::npos ? "" : all.substr(at) + ";";
}
} // namespace

bool is_hit(const Message& answer)
{
    return own_status(answer).find("; hit;") != std::string::npos;
}

std::string forwarded_for(const Message& answer)
{
    constexpr std::string_view kKey = "; fwd=";
    const std::string status = own_status(answer);
    const std::size_t at = status.find(kKey);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + kKey.size();
    return status.substr(begin, status.find(';', begin) - begin);
}

bool one_of(int status, std::initializer_list<int> statuses)
{
    return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}
} // namespace tidemark::e2e
