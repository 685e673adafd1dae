"""What `domain/` says."""

DOMAIN = {
    # domain/errors.py
    "No money moved.": "未产生费用。",
    "Money MAY have moved.": "可能已产生费用。",
    "Not accepted: {problems} Nothing was sent.": "请求未被接受：{problems}尚未发送任何内容。",
    "Mend what is named and call again.": "请改正上述问题后重新调用。",
    "No DashScope API key is set.": "未设置 DashScope API 密钥。",
    "The person can create one in the Alibaba Cloud Model Studio console and set DASHSCOPE_API_KEY for this server; "
    "`wan-mcp demo` shows everything without a key.": (
        "本人可在阿里云百炼控制台创建密钥，并为本服务器设置 DASHSCOPE_API_KEY；运行 `wan-mcp demo` 无需密钥即可体验全部功能。"
    ),
    "It is sent as soon as there is room.": "一有空位就会发送。",
}
