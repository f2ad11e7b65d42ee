"""The products: a row each."""

from blackstart_lab.shop.exceptions import Conflict, NotFound
from blackstart_lab.shop.records import Records

Product = dict[str, str]
_MOST = 100


class Catalog:
    """A product is acknowledged once its row is written. Raises Unreachable; what was done is then unknown."""

    def __init__(self, records: Records) -> None:
        self.records = records

    async def add(self, product: Product) -> Product:
        """Raises Conflict where another of that id is there; the same again is the same product."""
        sql = "INSERT INTO products (id, name) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING"
        await self.records.ask(sql, [product["id"], product["name"]])
        there = await self.get(product["id"])
        if there != product:
            raise Conflict(f"product {product['id']} is there with another name")
        return there

    async def get(self, known: str) -> Product:
        """Raises NotFound."""
        rows = await self.records.ask("SELECT id, name FROM products WHERE id = %s", [known])
        if not rows:
            raise NotFound(f"there is no product {known}")
        return {"id": rows[0][0], "name": rows[0][1]}

    async def search(self, text: str) -> list[Product]:
        """Those whose name begins so, the first hundred."""
        sql = "SELECT id, name FROM products WHERE starts_with(name, %s) ORDER BY id LIMIT %s"
        return [{"id": row[0], "name": row[1]} for row in await self.records.ask(sql, [text, _MOST])]

    async def rename(self, product: Product) -> Product:
        """Raises NotFound."""
        await self.records.ask("UPDATE products SET name = %s WHERE id = %s", [product["name"], product["id"]])
        return await self.get(product["id"])

    async def remove(self, known: str) -> None:
        """One that is not there is removed already."""
        await self.records.ask("DELETE FROM products WHERE id = %s", [known])
