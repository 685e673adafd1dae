"""The Chinese of everything that people read: English template -> Chinese template, with the same `{places}`.

Plain data and not gettext's catalogues: those must be compiled, so a file that nobody can review would have to be
committed, or every installation would have to build it. A test keeps this table complete and free of leftovers.

One word for one thing, as in English:

    task 任务                 ledger 账本              budget 预算              cap 上限
    held 已预留               charged 已扣费           free 未扣费              price 价格
    queue, place 排队、第 N 位  submit 提交              cancel 取消              settle 裁定
    person 本人               caller 调用方            key 密钥                 region 地域
    simulator 模拟器          prompt 提示词            size 尺寸                resolution 分辨率
    duration 时长             seed 随机种子            link 链接                workspace 业务空间
    film, shot, take 影片、镜头、镜次
    save 保存                 uncertain 不确定         request 请求             setting 设置

Each file has the words of one floor, in the order of its modules. Statuses, codes, commands, argument and setting names stay as they are; a space parts them from Chinese.
"""

from wan_mcp.domain.chinese.cli import CLI
from wan_mcp.domain.chinese.click import CLICK
from wan_mcp.domain.chinese.domain import DOMAIN
from wan_mcp.domain.chinese.film import FILM
from wan_mcp.domain.chinese.media import MEDIA
from wan_mcp.domain.chinese.server import SERVER
from wan_mcp.domain.chinese.service import SERVICE
from wan_mcp.domain.chinese.terminal import TERMINAL

CHINESE = {**CLI, **CLICK, **DOMAIN, **FILM, **MEDIA, **SERVER, **SERVICE, **TERMINAL}
